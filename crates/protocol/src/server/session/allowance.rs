//! How much of its rates a connection has used up.

use crate::model::Bucket;
use crate::server::{Now, Settings};
use crate::wire::Refusal;

/// How much of its rates a connection has used up.
#[derive(Debug, Default)]
pub(in crate::server) struct Allowance {
    publish: Bucket,
    join: Bucket,
    history: Bucket,
    request: Bucket,
    control: Bucket,
    refusal: Bucket,
}

impl Allowance {
    pub(in crate::server) fn publish(
        &mut self,
        now: Now,
        settings: &Settings,
    ) -> Result<(), Refusal> {
        let taken = self.publish.take(now.at, settings.rates.publish);
        taken.map_err(|wait| Refusal::TooOften {
            what: "publish",
            wait,
        })
    }

    pub(in crate::server) fn join(&mut self, now: Now, settings: &Settings) -> Result<(), Refusal> {
        let taken = self.join.take(now.at, settings.rates.join);
        taken.map_err(|wait| Refusal::TooOften { what: "join", wait })
    }

    pub(in crate::server) fn history(
        &mut self,
        now: Now,
        settings: &Settings,
    ) -> Result<(), Refusal> {
        let taken = self.history.take(now.at, settings.rates.history);
        taken.map_err(|wait| Refusal::TooOften {
            what: "read history",
            wait,
        })
    }

    pub(in crate::server) fn request(
        &mut self,
        now: Now,
        settings: &Settings,
    ) -> Result<(), Refusal> {
        let taken = self.request.take(now.at, settings.rates.request);
        taken.map_err(|wait| Refusal::TooOften { what: "ask", wait })
    }

    /// Whether another control frame is within its rate.
    pub(in crate::server) fn control(&mut self, now: Now, settings: &Settings) -> bool {
        self.control.take(now.at, settings.rates.control).is_ok()
    }

    /// Whether another refusal is within its rate.
    pub(in crate::server) fn refusal(&mut self, now: Now, settings: &Settings) -> bool {
        self.refusal.take(now.at, settings.rates.refusal).is_ok()
    }
}
