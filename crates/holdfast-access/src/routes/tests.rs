//! Tests of the routes, through a small copy of the request pipeline.

mod policies;
mod tokens;
