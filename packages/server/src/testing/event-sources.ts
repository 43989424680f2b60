export { AwsEventSources } from "../event-sources/aws-event-sources.ts";
export {
  EventSourceError,
  type EventSources,
  type QueueMessage,
  type QueueReader,
  type ShardStart,
  type StreamReader,
} from "../ports/event-sources.ts";
