// The MasterController of vda-5050-lib drives a robot of ours, as that library's users would.
//
//     node master.mjs FOLDER BROKER MANUFACTURER SERIAL NODES
//
// FOLDER holds node_modules with the library; NODES is JSON, at least seven nodes in a row: [{ nodeId, nodePosition }]; the
// robot stands at the first. Prints a JSON line per callback, and at the end of each step a line { step }. The library is
// used as it is, with one of its own options: it doesn't check what it hears, for it takes no version but the exact one it
// writes, and our robot writes 2.1.0.
import { createRequire } from "node:module";

const [folder, brokerUrl, manufacturer, serialNumber, text] = process.argv.slice(2);
const { MasterController, createUuid } = createRequire(`${folder}/`)("vda-5050-lib");
const row = JSON.parse(text);
const robot = { manufacturer, serialNumber };
const master = new MasterController({
    interfaceName: "uagv",
    vdaVersion: "2.0.0",
    transport: { brokerUrl },
    topicObjectValidation: { inbound: false },
}, {});

const say = (line) => console.log(JSON.stringify(line));

// From the node at this place of the row to another; the nodes up to `base` are released.
function order(orderId, orderUpdateId, from, to, { base = to, sequence = 2 * from, actions = {} } = {}) {
    const all = row.slice(from, to + 1).map((node, at) => ({
        ...node,
        sequenceId: sequence + 2 * at,
        released: from + at <= base,
        actions: actions[from + at] ?? [],
    }));
    const edges = all.slice(1).map((node, at) => ({
        edgeId: `${all[at].nodeId}-${node.nodeId}`,
        sequenceId: node.sequenceId - 1,
        released: node.released,
        startNodeId: all[at].nodeId,
        endNodeId: node.nodeId,
        actions: [],
    }));
    return { orderId, orderUpdateId, nodes: all, edges };
}

// Assigns an order: done when the master counts it as processed. `onEach` is called at each node passed.
function drive(message, onEach = () => {}) {
    const update = message.orderUpdateId;
    return new Promise((resolve, reject) => {
        const handler = {
            onOrderProcessed: (error, byCancelation, active) => {
                say({ processed: update, error: error?.errorType ?? null, byCancelation, active });
                resolve();
            },
            onNodeTraversed: (node) => {
                say({ node: node.nodeId, update });
                onEach(node);
            },
            onEdgeTraversed: (edge) => say({ edge: edge.edgeId, update }),
            onActionStateChanged: (state) => say({ action: state.actionType, is: state.actionStatus, update }),
        };
        master.assignOrder(robot, message, handler).catch(reject);
    });
}

// An instant action: done when it has ended.
function instant(actionType) {
    const action = { actionType, actionId: createUuid(), blockingType: "NONE", actionParameters: [] };
    return new Promise((resolve, reject) => {
        const handler = {
            onActionStateChanged: (state) => {
                say({ instant: actionType, is: state.actionStatus });
                if (state.actionStatus === "FINISHED" || state.actionStatus === "FAILED") resolve();
            },
            onActionError: (error) => reject(new Error(JSON.stringify(error))),
        };
        master.initiateInstantActions(robot, { instantActions: [action] }, handler).catch(reject);
    });
}

const pick = {
    actionType: "pick",
    actionId: createUuid(),
    blockingType: "HARD",
    actionParameters: [{ key: "duration", value: 0.2 }, { key: "loadId", value: "TOTE-1" }],
};

await master.start();
await new Promise((resolve) => {
    master.trackAgvs((agv, state) => agv.serialNumber === serialNumber && state === "ONLINE" && resolve());
});
say({ step: "online" });

await drive(order("O-1", 0, 0, 2, { base: 1 }));
say({ step: "base" });

await instant("stateRequest");
say({ step: "state" });

// It begins at the horizon's node, not at the base's end. Its id is spent: the error stays in the states that follow.
await drive(order("O-1", 1, 2, 3));
say({ step: "refused" });

await drive(order("O-1", 2, 1, 3, { actions: { 2: [pick] } }));
say({ step: "update" });

let cancelled;
await drive(order("O-2", 0, 3, 6, { sequence: 0 }), (node) => {
    if (node.nodeId === row[4].nodeId) cancelled = instant("cancelOrder");
});
await cancelled;
say({ step: "cancelled" });
await master.stop();
