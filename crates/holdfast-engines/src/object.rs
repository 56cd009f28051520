//! JSON objects in records, kept as text: a number that a client wrote comes back with the same digits.

use holdfast_barrier::{Name, Txn};
use holdfast_contract::{Object, Refusal};
use zeroize::Zeroizing;

/// The object in a record, if there is one.
pub(crate) fn read(txn: &mut Txn, name: &Name) -> Result<Option<Object>, Refusal> {
    let Some(text) = txn.get(name)? else {
        return Ok(None);
    };
    match serde_json::from_slice(&text) {
        Ok(object) => Ok(Some(object)),
        // The parser's message may quote the value, so it goes nowhere.
        Err(_) => Err(Refusal::Internal("a stored object is not JSON")),
    }
}

/// Creates or replaces the object in a record.
pub(crate) fn write(txn: &mut Txn, name: &Name, object: &Object) -> Result<(), Refusal> {
    let text =
        serde_json::to_vec(object).expect("a JSON object has text keys and always serializes");
    Ok(txn.put(name, Zeroizing::new(text))?)
}
