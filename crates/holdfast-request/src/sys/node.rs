//! Routes that the node answers by itself: what must work while sealed or without a leader.

use holdfast_contract::{Body, Field, FieldKind, Guard, Method, NodeAction, Operation, Route};

const fn route(
    pattern: &'static str,
    summary: &'static str,
    fields: &'static [Field],
    guard: Guard,
    methods: &'static [Method],
) -> Route {
    Route {
        pattern,
        summary,
        fields,
        body: Body::Declared,
        guard,
        exists: None,
        methods,
    }
}

pub(crate) static ROUTES: &[Route] = &[
    route(
        "init",
        "Whether the cluster was initialised; makes its keys and shares.",
        &[
            Field::new(
                "secret_shares",
                FieldKind::Integer,
                "Shares to make, 1 to 255.",
            )
            .public(),
            Field::new(
                "secret_threshold",
                FieldKind::Integer,
                "Shares needed to open.",
            )
            .public(),
            Field::new(
                "stored_shares",
                FieldKind::Integer,
                "Ignored; taken for older clients.",
            )
            .public(),
            Field::new("pgp_keys", FieldKind::TextList, "Not available yet.").public(),
            Field::new("root_token_pgp_key", FieldKind::Text, "Not available yet.").public(),
            Field::new(
                "recovery_shares",
                FieldKind::Integer,
                "Only for seals that open by themselves.",
            )
            .public(),
            Field::new(
                "recovery_threshold",
                FieldKind::Integer,
                "Only for seals that open by themselves.",
            )
            .public(),
            Field::new(
                "recovery_pgp_keys",
                FieldKind::TextList,
                "Only for seals that open by themselves.",
            )
            .public(),
        ],
        Guard::Open,
        &[
            Method::node(Operation::Read, NodeAction::InitStatus),
            Method::node(Operation::Write, NodeAction::Init),
        ],
    ),
    route(
        "seal-status",
        "State of this node's seal.",
        &[],
        Guard::Open,
        &[Method::node(Operation::Read, NodeAction::SealStatus)],
    ),
    route(
        "unseal",
        "Takes one share towards opening this node.",
        &[
            Field::new("key", FieldKind::Text, "A share, in hexadecimal or base64."),
            Field::new(
                "reset",
                FieldKind::Boolean,
                "Forget the shares given so far.",
            )
            .public(),
            Field::new(
                "migrate",
                FieldKind::Boolean,
                "Not available: there is one kind of seal.",
            )
            .public(),
        ],
        Guard::Open,
        &[Method::node(Operation::Write, NodeAction::Unseal)],
    ),
    route(
        "seal",
        "Seals every node of the cluster; stays so across restarts.",
        &[],
        Guard::Sudo,
        &[Method::node(Operation::Write, NodeAction::Seal)],
    ),
    route(
        "health",
        "Fitness of this node to serve, as a status code.",
        &[
            Field::new(
                "standbyok",
                FieldKind::Boolean,
                "A follower answers as active.",
            )
            .public(),
            Field::new(
                "perfstandbyok",
                FieldKind::Boolean,
                "A follower answers as active.",
            )
            .public(),
            Field::new("activecode", FieldKind::Integer, "Status when serving.").public(),
            Field::new(
                "standbycode",
                FieldKind::Integer,
                "Status when serving as a follower.",
            )
            .public(),
            Field::new("performancestandbycode", FieldKind::Integer, "Unused here.").public(),
            Field::new("drsecondarycode", FieldKind::Integer, "Unused here.").public(),
            Field::new(
                "haunhealthycode",
                FieldKind::Integer,
                "Status when no leader is known.",
            )
            .public(),
            Field::new("removedcode", FieldKind::Integer, "Unused here.").public(),
            Field::new("sealedcode", FieldKind::Integer, "Status when sealed.").public(),
            Field::new(
                "uninitcode",
                FieldKind::Integer,
                "Status when not initialised.",
            )
            .public(),
        ],
        Guard::Open,
        &[Method::node(Operation::Read, NodeAction::Health)],
    ),
    route(
        "leader",
        "Who leads, and how far this node has applied.",
        &[],
        Guard::Open,
        &[Method::node(Operation::Read, NodeAction::Leader)],
    ),
    route(
        "ha-status",
        "Every member as this node knows it.",
        &[],
        Guard::Token,
        &[Method::node(Operation::Read, NodeAction::HaStatus)],
    ),
    route(
        "step-down",
        "Gives up leadership.",
        &[Field::new(
            "node_id",
            FieldKind::Integer,
            "The node that should lead next; the most caught-up one if absent.",
        )
        .public()],
        Guard::Sudo,
        &[Method::node(Operation::Write, NodeAction::StepDown)],
    ),
    route(
        "key-status",
        "The active key's term and age.",
        &[],
        Guard::Token,
        &[Method::node(Operation::Read, NodeAction::KeyStatus)],
    ),
    route(
        "metrics",
        "Figures of this node for Prometheus.",
        &[Field::new(
            "format",
            FieldKind::Text,
            "`prometheus`, the only form there is.",
        )
        .public()],
        Guard::Token,
        &[Method::node(Operation::Read, NodeAction::Metrics)],
    ),
    route(
        "internal/specs/openapi",
        "This API as an OpenAPI 3 document, made from the route declarations.",
        &[
            Field::new(
                "context",
                FieldKind::Text,
                "Ignored; taken for older clients.",
            )
            .public(),
            Field::new(
                "generic_mount_paths",
                FieldKind::Boolean,
                "Use parameters for mount paths.",
            )
            .public(),
        ],
        Guard::AnyToken,
        &[
            Method::node(Operation::Read, NodeAction::OpenApi),
            Method::node(Operation::Write, NodeAction::OpenApi),
        ],
    ),
];
