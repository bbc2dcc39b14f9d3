// A service that lets a middleware decide, and someone who calls it.

import { createServer } from "node:http";
import { once } from "node:events";
import express from "express";

// Answers a function that calls the service with a token and rejects if it is refused.
export function protectedBy(middleware) {
  const app = express();
  app.get("/", middleware, (_request, response) => response.sendStatus(204));
  // Without this, express prints every refusal.
  app.use((error, _request, response, _next) => {
    response.status(error.status ?? 500).send(error.message);
  });
  return async (token) => {
    const server = createServer(app).listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const { port } = server.address();
      const headers = { authorization: `Bearer ${token}`, connection: "close" };
      const response = await fetch(`http://127.0.0.1:${port}/`, { headers });
      if (response.status !== 204) {
        throw new Error(`${response.status} ${await response.text()}`);
      }
    } finally {
      server.close();
    }
  };
}
