//! Requests: what a client asks the application, and what it is answered.

use std::borrow::Cow;

use super::session::Session;
use super::{Call, Outcome, Output};
use crate::server::Now;
use crate::wire::v2::{Data, Fault, Request, Response, ServerMessage};
use crate::wire::{ErrorCode, Refusal, RequestId};

impl Session {
    /// A client asks something.
    pub(super) fn request(
        &mut self,
        now: Now,
        asked: &Request<'_>,
        request: Option<RequestId>,
    ) -> Result<(), Refusal> {
        self.allowance.request(now, &self.settings)?;
        let request = request.ok_or_else(|| Refusal::Faulty(Fault::no_request_id()))?;
        let data = asked.data.clone().unwrap_or(Data::NULL);
        match asked.method.as_str() {
            "echo" if self.settings.echo => {
                self.send_for(ServerMessage::Response(Response { data }), Some(&request));
                Ok(())
            }
            "wait" if self.settings.echo => {
                let method = asked.method.as_str().into();
                let data = data.to_bytes();
                self.call(now, Call { method, data }, request)
            }
            _ => Err(Refusal::UnknownMethod),
        }
    }

    fn call(&mut self, now: Now, call: Call, request: RequestId) -> Result<(), Refusal> {
        let figures = &self.settings.v2;
        if self.answers.calls.len() >= figures.requests_max {
            let message = format!(
                "{} requests of this connection wait for their answers, the most allowed; wait for one of \
                 them, or cancel it",
                figures.requests_max
            );
            let (code, message) = (ErrorCode::LimitExceeded, message.into());
            return Err(Refusal::Failed { code, message });
        }
        let until = now.at + figures.request_timeout;
        let ticket = self.answers.ticket();
        self.answers.calls.add(ticket, request, until);
        self.outputs.push_back(Output::Call(ticket, call));
        Ok(())
    }

    /// Tells the client what was answered, or why nothing was.
    pub(super) fn respond(&mut self, now: Now, outcome: &Outcome, request: &RequestId) {
        let refusal = match outcome {
            Outcome::Answered(data) => {
                if let Ok(data) = Data::parse(data) {
                    return self
                        .send_for(ServerMessage::Response(Response { data }), Some(request));
                }
                Refusal::Failed {
                    code: ErrorCode::Internal,
                    message: Cow::Borrowed(
                        "the answer is no JSON that can be passed on; have its method corrected",
                    ),
                }
            }
            Outcome::Failed { code, message } => {
                let (code, message) = (*code, message.clone());
                Refusal::Failed { code, message }
            }
        };
        let bytes = self.refusal(now, &refusal, Some(request));
        self.outputs.extend(bytes.map(Output::Send));
    }

    /// Answers the requests whose time is over.
    pub(super) fn lose_patience(&mut self, now: Now) {
        while !self.is_closed()
            && let Some((ticket, request)) = self.answers.calls.pop_ended(now.at)
        {
            self.outputs.push_back(Output::Cancel(ticket));
            let within = self.settings.v2.request_timeout.as_millis();
            let message =
                format!("no answer came within {within} ms; what was asked may still happen");
            let (code, message) = (ErrorCode::Timeout, message.into());
            self.respond(now, &Outcome::Failed { code, message }, &request);
        }
    }
}
