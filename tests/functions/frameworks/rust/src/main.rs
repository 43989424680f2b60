//! A function of lambda_runtime.
use lambda_runtime::{run, service_fn, Error, LambdaEvent};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Event {
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    greeting: String,
    request_id: String,
    function: String,
}

async fn handle(event: LambdaEvent<Event>) -> Result<Answer, Error> {
    let name = event.payload.name;
    if name.is_empty() {
        return Err("a name is needed".into());
    }
    let function = event.context.env_config.function_name.clone();
    Ok(Answer { greeting: format!("Hello, {name}"), request_id: event.context.request_id, function })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(handle)).await
}
