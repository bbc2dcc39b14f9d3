// Two processes of the server.mjs beside this, behind one port, as `node:cluster` makes them.
import cluster from "node:cluster";

if (cluster.isPrimary) {
  for (let worker = 0; worker < 2; worker += 1) cluster.fork();
  const end = () => {
    for (const worker of Object.values(cluster.workers)) worker.kill("SIGKILL");
    process.exit(0);
  };
  process.on("SIGTERM", end);
} else {
  await import("./server.mjs");
}
