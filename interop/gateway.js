import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, writeFile } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";

const readyWithin = 20_000; // milliseconds
const stoppedWithin = 10_000;

/** Makes a directory that the caller removes. */
export function temporaryDirectory() {
  return mkdtemp(path.join(tmpdir(), "hookseal-interop-"));
}

/** Returns the path of the binary: the one that HOOKSEAL names, or one built into the directory. */
export async function findBinary(directory) {
  if (process.env.HOOKSEAL) return path.resolve(process.env.HOOKSEAL);
  const binary = path.join(directory, "hookseal");
  await promisify(execFile)("go", ["build", "-o", binary, "../cmd/hookseal"], { cwd: import.meta.dirname });
  return binary;
}

/** The environment of the binary: nothing of the caller's, and a home that is thrown away. */
export function environment(home, secrets) {
  return { PATH: process.env.PATH, HOME: home, XDG_CONFIG_HOME: home, XDG_DATA_HOME: home, ...secrets };
}

/** Waits until somebody listens on the port; gives up when running says that nobody will, or after a while. */
export async function listening(port, running) {
  for (const deadline = Date.now() + readyWithin; !(await listens(port)); await pause(20)) {
    if (!running() || Date.now() >= deadline) return false;
  }
  return true;
}

/**
 * Starts the binary with the global options and the site's directives, which find the secrets in their
 * environment, and waits until it listens.
 */
export async function startGateway({ binary, directory, options = "", site, secrets }) {
  const port = await freePort();
  const caddyfile = path.join(directory, "Caddyfile");
  await writeFile(caddyfile, `{\n\tadmin off\n\tpersist_config off\n${options}\n}\nhttp://127.0.0.1:${port} {\n\tbind 127.0.0.1\n${site}\n}\n`);
  const child = spawn(binary, ["run", "--config", caddyfile], {
    env: environment(directory, secrets),
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (log += text));
  let failure;
  const exited = once(child, "close").catch((error) => (failure = error));
  const running = () => child.pid !== undefined && child.exitCode === null && child.signalCode === null;

  // Whatever ends this process must not leave the gateway behind.
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);

  const stop = async () => {
    if (running()) {
      child.kill("SIGTERM");
      const late = setTimeout(kill, stoppedWithin);
      await exited;
      clearTimeout(late);
    }
    process.removeListener("exit", kill);
    return child.exitCode;
  };

  if (!(await listening(port, running))) {
    await stop();
    throw new Error(`the gateway did not start: ${failure?.message ?? ""}\n${log.slice(-4000)}`);
  }
  return {
    url: `http://127.0.0.1:${port}`,

    /** Returns everything logged so far. */
    log: () => log,

    /** Stops the gateway and returns its exit code, null if it had to be killed. */
    stop,
  };
}

export async function freePort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    const end = (answer) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", end(true)).once("error", end(false));
  });
}
