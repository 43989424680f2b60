"""Powertools for AWS Lambda (Python): logger, metrics, tracer and the resolver of HTTP APIs."""

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="pets")
metrics = Metrics(namespace="Pets", service="pets")
app = APIGatewayHttpResolver()


@app.get("/pets/<pet_id>")
def read(pet_id: str) -> dict:
    logger.info("read a pet", pet_id=pet_id)
    metrics.add_metric(name="Reads", unit=MetricUnit.Count, value=1)
    return {"id": pet_id}


@logger.inject_lambda_context
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event, context):
    return app.resolve(event, context)
