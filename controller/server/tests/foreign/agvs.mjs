// Virtual AGVs of vda-5050-lib, each with its own connection, as that library's users start them.
//
//     node agvs.mjs FOLDER BROKER SETTING
//
// FOLDER holds node_modules with the library; SETTING is JSON: { manufacturer, speed, robots: [{ serial, node, x, y,
// map }] }. Prints a line per robot when it is there. The library is used as it is: what it does wrong is the fleet's to bear.
import { createRequire } from "node:module";

const [folder, brokerUrl, text] = process.argv.slice(2);
const { AgvController, VirtualAgvAdapter } = createRequire(`${folder}/`)("vda-5050-lib");
const { manufacturer, speed, robots } = JSON.parse(text);

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
    const robot = new AgvController({ manufacturer, serialNumber: serial }, client, controller, adapter);
    await robot.start();
    console.log(JSON.stringify({ serial, node }));
}
