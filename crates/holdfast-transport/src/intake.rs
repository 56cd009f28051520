//! How much of one peer's work is taken at the same time. What exceeds it is refused at once, never queued: the peer's own
//! retry is the queue, and one channel's flood does not cost another its turn.

use crate::contract::{Channel, Refused};
use crate::settings::Settings;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The bounds of one peer, shared by all its connections.
pub(crate) struct Intake {
    calls: [Arc<Semaphore>; Channel::ALL.len()],
    bytes: Arc<Semaphore>,
    streams: Arc<Semaphore>,
}

/// Room taken until it is dropped.
pub(crate) struct Room {
    _call: OwnedSemaphorePermit,
    _bytes: Option<OwnedSemaphorePermit>,
}

impl Intake {
    pub(crate) fn new(settings: &Settings) -> Self {
        let room = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        Self {
            calls: std::array::from_fn(|_| room(settings.inbound_calls_max)),
            bytes: room(settings.inbound_bytes_max),
            streams: room(settings.inbound_streams_max),
        }
    }

    /// Room for one message of `size` bytes.
    pub(crate) fn message(&self, channel: Channel, size: usize) -> Result<Room, Refused> {
        let calls = match channel {
            Channel::Heartbeat => &self.calls[0],
            Channel::Log => &self.calls[1],
            Channel::Forward => &self.calls[2],
            Channel::Snapshot => &self.calls[3],
        };
        let call = calls
            .clone()
            .try_acquire_owned()
            .map_err(|_| Refused::new("too many messages of this node are being answered"))?;
        let bytes = if size <= Settings::SMALL_MESSAGE_BYTES {
            None
        } else {
            let size = u32::try_from(size).map_err(|_| Refused::new("the message is too large"))?;
            let permit = self.bytes.clone().try_acquire_many_owned(size);
            Some(permit.map_err(|_| Refused::new("too many bytes of this node are being held"))?)
        };
        Ok(Room {
            _call: call,
            _bytes: bytes,
        })
    }

    /// Room for one framed stream.
    pub(crate) fn stream(&self) -> Result<OwnedSemaphorePermit, Refused> {
        self.streams
            .clone()
            .try_acquire_owned()
            .map_err(|_| Refused::new("too many streams of this node are open"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_each_channel_bytes_and_streams_by_themselves() {
        let intake = Intake::new(&Settings {
            inbound_calls_max: 2,
            inbound_bytes_max: 100_000,
            inbound_streams_max: 1,
            ..Settings::default()
        });
        let first = intake.message(Channel::Log, 90_000).ok().unwrap();
        assert!(intake.message(Channel::Log, 20_000).is_err(), "bytes");
        let second = intake.message(Channel::Log, 10).ok().unwrap();
        assert!(intake.message(Channel::Log, 10).is_err(), "calls");
        assert!(intake.message(Channel::Heartbeat, 10).is_ok());
        drop((first, second));
        assert!(intake.message(Channel::Log, 90_000).is_ok());

        let stream = intake.stream().ok().unwrap();
        assert!(intake.stream().is_err());
        drop(stream);
        assert!(intake.stream().is_ok());
    }
}
