//! The request pipeline: route, authenticate, authorise, handle, commit; mount table; system routes.
