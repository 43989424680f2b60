/** A Python function with a web framework and a data library: Flask and NumPy from PyPI, for Python 3.13. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import type { Files } from "../support/functions.ts";

const APP = `import numpy as np
from flask import Flask, jsonify, request

app = Flask(__name__)
TABLE = np.arange(1_000_000, dtype=np.float64).reshape(1000, 1000)


@app.post("/mean")
def mean():
    values = np.array(request.get_json()["values"], dtype=np.float64)
    return jsonify(mean=float(values.mean()), norm=float(np.linalg.norm(TABLE[:3, :3] @ values)))


CLIENT = app.test_client()


def handler(event, context):
    return CLIENT.post("/mean", json=event).get_json()
`;

export async function pythonWebFiles(): Promise<Files> {
  const dir = mkdtempSync(join(tmpdir(), "bench-python-"));
  try {
    const requirements = join(import.meta.dirname, "python-web.txt");
    const target = join(dir, "task");
    execFileSync("python3", [join(REPOSITORY, "tools/fetch-wheels.py"), "3.13", requirements, target], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    const files: Record<string, Buffer> = { "app.py": Buffer.from(APP) };
    for (const name of readdirSync(target, { recursive: true, encoding: "utf8" })) {
      const path = join(target, name);
      if (statSync(path).isFile() && !name.includes("/tests/")) files[name] = readFileSync(path);
    }
    return files;
  } finally {
    rmSync(dir, { recursive: true });
  }
}
