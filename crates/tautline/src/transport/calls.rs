//! What the application is asked, and by whom that is answered.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use tautline_protocol::server::v2::{Call, Outcome};
use tautline_protocol::wire::ErrorCode;

/// Answers a call, some day. Who does not want to wait any more drops this.
pub(super) async fn answer(call: Call) -> Outcome {
    match &*call.method {
        "wait" => wait(call.data).await,
        _ => failed(
            ErrorCode::UnknownMethod,
            "nobody answers this method here; check its name",
        ),
    }
}

/// How long an answer is to take.
#[derive(Deserialize)]
struct Wait {
    ms: u64,
}

/// Answers what it was asked with, later: for trying out what takes its time.
async fn wait(data: Bytes) -> Outcome {
    let Ok(Wait { ms }) = serde_json::from_slice(&data) else {
        let what = "wait takes { \"ms\": n }, so many milliseconds until it answers";
        return failed(ErrorCode::InvalidPayload, what);
    };
    tokio::time::sleep(Duration::from_millis(ms)).await;
    Outcome::Answered(data)
}

fn failed(code: ErrorCode, message: &'static str) -> Outcome {
    let message = Cow::Borrowed(message);
    Outcome::Failed { code, message }
}
