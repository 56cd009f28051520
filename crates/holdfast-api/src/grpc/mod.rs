//! gRPC services, through the same pipeline as HTTP. The contracts are in `proto/holdfast/v1`.

mod call;
mod health;
mod kv_v2;
mod seal;

use crate::dispatch::Dispatch;
use holdfast_proto::v1::health_server::HealthServer;
use holdfast_proto::v1::kv_v2_server::KvV2Server;
use holdfast_proto::v1::seal_server::SealServer;
use holdfast_types::limits::RECORD_PLAINTEXT_BYTES_MAX;
use std::sync::Arc;
use tonic::service::Routes;

/// Largest message taken: one full record and its wrapping.
const MESSAGE_BYTES_MAX: usize = 2 * RECORD_PLAINTEXT_BYTES_MAX;

/// All services over one pipeline.
pub(crate) fn routes(dispatch: &Arc<Dispatch>) -> Routes {
    let kv_v2 = KvV2Server::new(kv_v2::KvV2(Arc::clone(dispatch)))
        .max_decoding_message_size(MESSAGE_BYTES_MAX);
    Routes::new(kv_v2)
        .add_service(HealthServer::new(health::Health(Arc::clone(dispatch))))
        .add_service(SealServer::new(seal::Seal(Arc::clone(dispatch))))
}
