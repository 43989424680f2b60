export { FakeClock } from "../base/testing/fake-clock.ts";
export { createFakeSnapshots, type FakeSnapshot } from "../engines/fake/fake-disk.ts";
export { FakeEngine, type FakeEngineOptions } from "../engines/fake/fake-engine.ts";
export type { FakeExtension } from "../engines/fake/fake-extension.ts";
export type { FakeFunction, FakeProcess } from "../engines/fake/fake-process.ts";
export type { FakeStep } from "../engines/fake/fake-sandbox.ts";
export { FakeDestinations } from "./fake-destinations.ts";
export { FakeEventSources } from "./fake-event-sources.ts";
export { fakeImages, unpackInMemory } from "./fake-images.ts";
