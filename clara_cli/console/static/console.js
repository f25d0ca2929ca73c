// What every page does: times in the viewer's zone, running clocks, live parts, keys, questions before changes.
import { showTimes, tick } from "./times.js";
import { follow } from "./live.js";
import { listen } from "./keys.js";

showTimes(document);
setInterval(tick, 1000);
follow();
listen();
