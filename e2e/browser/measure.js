// What a page holds in memory.

/** Measures a page as often as it is called: its sockets, open or not, its listeners, and the bytes of its objects, without garbage. */
export async function startMeasuring(page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Performance.enable");
  return async () => {
    // What waits for a finalizer is gone after the second time.
    for (const _ of [1, 2]) await devtools.send("HeapProfiler.collectGarbage");
    const { metrics } = await devtools.send("Performance.getMetrics");
    const metric = (name) => metrics.find((each) => each.name === name).value;
    return { sockets: await socketsOf(devtools), listeners: metric("JSEventListeners"), heap: metric("JSHeapUsedSize") };
  };
}

async function socketsOf(devtools) {
  const group = { objectGroup: "sockets" };
  const { result } = await devtools.send("Runtime.evaluate", { expression: "WebSocket.prototype", ...group });
  const { objects } = await devtools.send("Runtime.queryObjects", { prototypeObjectId: result.objectId, ...group });
  const length = { objectId: objects.objectId, functionDeclaration: "function () { return this.length }", returnByValue: true };
  const counted = await devtools.send("Runtime.callFunctionOn", length);
  await devtools.send("Runtime.releaseObjectGroup", group);
  return counted.result.value;
}
