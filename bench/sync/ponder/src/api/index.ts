// SPDX-License-Identifier: Apache-2.0
import { Hono } from "hono";

// Ponder asks for a server of its own; the measurement only needs its /ready.
export default new Hono();
