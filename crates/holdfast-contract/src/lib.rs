//! What a route, an engine and an auth method are: declarations, typed fields, request, reply, refusal.
