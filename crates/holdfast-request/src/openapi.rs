//! The API as an OpenAPI 3 document, made from the same declarations that route requests.

use crate::sys;
use holdfast_contract::{Body, Field, FieldKind, Guard, Operation, Place, Route, Sensitivity};
use serde_json::{Map, Value as Json, json};

/// The whole document.
pub(crate) fn document() -> Json {
    let mut paths = Map::new();
    for table in sys::tables() {
        add(&mut paths, "/sys", "system", table);
    }
    add(
        &mut paths,
        "/auth/token",
        "auth",
        holdfast_access::TOKEN_ROUTES,
    );
    for kind in holdfast_engines::kinds() {
        let mount = if kind.version.is_empty() {
            format!("/{}", kind.name)
        } else {
            format!("/{{{}_v{}_mount_path}}", kind.name, kind.version)
        };
        add(&mut paths, &mount, "secrets", kind.routes);
    }
    json!({
        "openapi": "3.0.2",
        "info": {
            "title": "Holdfast API",
            "description": "Keeps secrets for fleets of services. Speaks the Vault HTTP API.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0" },
        },
        "paths": paths,
    })
}

fn add(paths: &mut Map<String, Json>, mount: &str, tag: &str, routes: &'static [Route]) {
    for route in routes {
        let path = format!("{mount}/{}", route.pattern.replace("*}", "}"));
        let shown = describe(&path, tag, route);
        // Two routes of one path (two tables of one pattern) are shown as one.
        match paths.get_mut(&path).and_then(Json::as_object_mut) {
            Some(known) => {
                for (key, value) in shown {
                    known.entry(key).or_insert(value);
                }
            }
            None => {
                paths.insert(path, Json::Object(shown));
            }
        }
    }
}

fn describe(path: &str, tag: &str, route: &'static Route) -> Map<String, Json> {
    let mut shown = Map::new();
    shown.insert("description".to_owned(), Json::from(route.summary));
    let mut parameters: Vec<Json> = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            let field = route.fields.iter().find(|field| field.name == name);
            json!({
                "name": name, "in": "path", "required": true,
                "description": field.map_or("Where the engine is mounted.", |field| field.help),
                "schema": { "type": "string" },
            })
        })
        .collect();
    if route.guard == Guard::Open {
        shown.insert("x-vault-unauthenticated".to_owned(), Json::Bool(true));
    }
    if route.guard == Guard::Sudo {
        shown.insert("x-vault-sudo".to_owned(), Json::Bool(true));
    }
    shown.insert(
        "parameters".to_owned(),
        Json::Array(std::mem::take(&mut parameters)),
    );
    for method in route.methods {
        let verb = match method.operation {
            Operation::Read | Operation::List | Operation::Scan => "get",
            Operation::Write => "post",
            Operation::Patch => "patch",
            Operation::Delete => "delete",
        };
        let operation = operation(route, tag, method.operation);
        shown.entry(verb).or_insert(operation);
    }
    shown
}

fn operation(route: &'static Route, tag: &str, operation: Operation) -> Json {
    let inputs: Vec<&Field> = route
        .fields
        .iter()
        .filter(|field| field.place == Place::Input)
        .collect();
    let mut shown = json!({
        "summary": route.summary,
        "tags": [tag],
        "responses": { "200": { "description": "OK" }, "204": { "description": "nothing to say" } },
    });
    if matches!(operation, Operation::Write | Operation::Patch) {
        if !inputs.is_empty() || route.body == Body::Payload {
            let properties: Map<String, Json> = inputs
                .iter()
                .map(|field| (field.name.to_owned(), schema(field)))
                .collect();
            let required: Vec<&str> = inputs
                .iter()
                .filter(|field| field.required)
                .map(|field| field.name)
                .collect();
            let mut body = json!({ "type": "object", "properties": properties });
            if !required.is_empty() {
                body["required"] = Json::from(required);
            }
            shown["requestBody"] = json!({ "content": { "application/json": { "schema": body } } });
        }
        return shown;
    }
    let mut parameters: Vec<Json> = inputs
        .iter()
        .map(|field| json!({ "name": field.name, "in": "query", "description": field.help, "schema": schema(field) }))
        .collect();
    if matches!(operation, Operation::List | Operation::Scan) {
        let name = if operation == Operation::List {
            "list"
        } else {
            "scan"
        };
        parameters.push(json!({ "name": name, "in": "query", "required": true, "schema": { "type": "string", "enum": ["true"] } }));
    }
    if !parameters.is_empty() {
        shown["parameters"] = Json::Array(parameters);
    }
    shown
}

fn schema(field: &Field) -> Json {
    let mut schema = match field.kind {
        FieldKind::Text => json!({ "type": "string" }),
        FieldKind::Integer => json!({ "type": "integer" }),
        FieldKind::Boolean => json!({ "type": "boolean" }),
        FieldKind::Duration => json!({ "type": "string", "format": "duration" }),
        FieldKind::TextList => json!({ "type": "array", "items": { "type": "string" } }),
        FieldKind::IntegerList => json!({ "type": "array", "items": { "type": "integer" } }),
        FieldKind::TextMap | FieldKind::Object => json!({ "type": "object" }),
        FieldKind::Any => json!({}),
    };
    schema["description"] = Json::from(field.help);
    if field.sensitivity == Sensitivity::Sensitive {
        schema["x-vault-displayAttrs"] = json!({ "sensitive": true });
    }
    schema
}
