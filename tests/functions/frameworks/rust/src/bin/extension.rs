//! An extension of lambda-extension: says each event and each record of telemetry that it gets.
use lambda_extension::{
    service_fn, Error, Extension, LambdaEvent, LambdaTelemetry, LogBuffering, NextEvent, SharedService,
};

const BUFFERING: LogBuffering = LogBuffering { timeout_ms: 25, max_bytes: 262_144, max_items: 1_000 };

async fn on_event(event: LambdaEvent) -> Result<(), Error> {
    match event.next {
        NextEvent::Invoke(invoke) => println!("rust saw INVOKE {}", invoke.request_id),
        NextEvent::Shutdown(shutdown) => {
            println!("rust saw SHUTDOWN {}", shutdown.shutdown_reason);
            std::process::exit(0);
        }
    }
    Ok(())
}

async fn on_telemetry(events: Vec<LambdaTelemetry>) -> Result<(), Error> {
    for event in events {
        let event = serde_json::to_value(event)?;
        let (kind, record) = (event["type"].as_str().unwrap_or_default(), &event["record"]);
        println!("rust got {kind} {}", record["status"].as_str().or(record.as_str()).unwrap_or_default());
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let types = std::env::var("TELEMETRY_TYPES")?;
    let types: Vec<&str> = types.split(',').collect();
    Extension::new()
        .with_events_processor(service_fn(on_event))
        .with_telemetry_types(&types)
        .with_telemetry_buffering(BUFFERING)
        .with_telemetry_processor(SharedService::new(service_fn(on_telemetry)))
        .run()
        .await
}
