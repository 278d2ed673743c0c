// Virtual AGVs of vda-5050-lib, each with its own connection, as that library's users start them.
//
//     node agvs.mjs FOLDER BROKER SETTING
//
// FOLDER holds node_modules with the library; SETTING is JSON: { manufacturer, speed, readsActions, robots: [{ serial, node,
// x, y, map }] }. Prints a line per robot when it is there. The library itself is never changed: what it does wrong is the
// fleet's to bear, but for the repair below, which a test must ask for.
import { createRequire } from "node:module";

const [folder, brokerUrl, text] = process.argv.slice(2);
const { AgvController, Topic, VirtualAgvAdapter } = createRequire(`${folder}/`)("vda-5050-lib");
const { manufacturer, speed, readsActions, robots } = JSON.parse(text);

// VDA 5050 2.0 names the array of an instantActions message `actions`; the library knows the name of 1.1 only and refuses
// all others. This repair reads the message under its right name: without it no robot of this library can be paused.
class ReadsActions extends AgvController {
    validateTopicObject(topic, object, version) {
        if (topic === Topic.InstantActions && object.instantActions === undefined) {
            object.instantActions = object.actions;
        }
        super.validateTopicObject(topic, object, version);
    }
}
const Controller = readsActions ? ReadsActions : AgvController;

for (const { serial, node, x, y, map } of robots) {
    const client = { interfaceName: "uagv", vdaVersion: "2.0.0", transport: { brokerUrl, reconnectPeriod: 200 } };
    // A state at the latest every 30 s of the site's clock, with some room.
    const controller = { agvAdapterType: VirtualAgvAdapter, publishStateInterval: 20_000 / speed };
    const adapter = {
        initialPosition: { mapId: map, x, y, theta: 0, lastNodeId: node },
        vehicleSpeed: 1,
        tickRate: 20,
        timeLapse: speed,
    };
    const robot = new Controller({ manufacturer, serialNumber: serial }, client, controller, adapter);
    await robot.start();
    console.log(JSON.stringify({ serial, node }));
}
