//! HTTP and gRPC on one listener: TLS, limits, status mapping.
