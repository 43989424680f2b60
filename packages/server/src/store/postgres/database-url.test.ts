import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { hasPassword, parseDatabaseUrl } from "./database-url.ts";

const refusal = (url: string, password: string | null = null): string => {
  try {
    parseDatabaseUrl(url, password);
  } catch (error) {
    return (error as Error).message;
  }
  return "none";
};

describe("the URL of a database", () => {
  it("is read with what a URL must escape, and shown without its password", () => {
    const { shown, ...address } = parseDatabaseUrl(
      "postgresql://us%40er:p%40ss%2F%3A@127.0.0.1:6432/my%20db?application_name=a",
      null,
    );
    expect(address).toEqual({
      host: "127.0.0.1",
      port: 6432,
      database: "my db",
      user: "us@er",
      password: "p@ss/:",
      ssl: false,
      applicationName: "a",
    });
    expect(shown).toBe("postgres://us@er@127.0.0.1:6432/my db");
  });

  it("may name a socket, an IPv6 address, and leave the password to somebody else", () => {
    expect(parseDatabaseUrl("postgres://u@localhost/d?host=/run/postgresql", "p")).toMatchObject({
      host: "/run/postgresql",
      port: 5432,
      password: "p",
      ssl: false,
    });
    expect(parseDatabaseUrl("postgres://u@[::1]/d", null)).toMatchObject({ host: "::1", password: null });
  });

  it("must say how it is encrypted where it is on another host", () => {
    expect(refusal("postgres://u@db.example/d")).toMatch(/say sslmode=verify-full/);
    // A name of this host is not the address that a URL's host parameter brings in.
    expect(refusal("postgres://u@localhost/d?host=db.example")).toMatch(/say sslmode=verify-full/);
    const checked = (url: string): unknown => {
      const { ssl } = parseDatabaseUrl(url, null);
      return ssl === false ? "off" : [ssl.rejectUnauthorized, ssl.checkServerIdentity === undefined];
    };
    expect(checked("postgres://u@db.example/d?sslmode=verify-full")).toEqual([true, true]);
    expect(checked("postgres://u@db.example/d?sslmode=verify-ca")).toEqual([true, false]);
    expect(checked("postgres://u@db.example/d?sslmode=require")).toEqual([false, false]);
    expect(checked("postgres://u@db.example/d?sslmode=disable")).toBe("off");
    expect(checked("postgres://u@localhost/d?sslmode=verify-full")).toEqual([true, true]);
  });

  it("brings certificates, which must be there and make sense", () => {
    const dir = mkdtempSync(join(tmpdir(), "thaw-url-"));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    const ca = join(dir, "ca");
    writeFileSync(ca, "certificate");
    const url = `postgres://u@db.example/d?sslrootcert=${ca}&sslmode=`;
    expect(parseDatabaseUrl(`${url}verify-full`, null).ssl).toMatchObject({ ca: "certificate" });
    expect(refusal(`${url}disable`)).toMatch(/sslmode=disable does without/);
    rmSync(ca);
    expect(refusal(`${url}verify-full`)).toMatch(/sslrootcert can't be read/);
  });

  it("is refused where it says too little, too much, or something unknown; its password is never repeated", () => {
    const all = [
      ["mysql://u:secret@h/d", /expected postgres:/],
      ["not a URL, secret", /expected postgres:/],
      ["postgres://:secret@h/d?sslmode=disable", /must name a user, a host and a database/],
      ["postgres://u:secret@h/?sslmode=disable", /must name a user, a host and a database/],
      ["postgres://u:secret@h/a/b?sslmode=disable", /must name a user, a host and a database/],
      ["postgres://u:secret%zz@h/d?sslmode=disable", /hexadecimal/],
      ["postgres://u:secret@h/d?sslmod=disable", /sslmod is not known/],
      ["postgres://u:secret@h/d?sslmode=prefer", /sslmode=prefer is not known/],
    ] as const;
    for (const [url, why] of all) {
      expect(refusal(url)).toMatch(why);
      expect(refusal(url)).not.toContain("secret");
    }
    expect(refusal("postgres://u:secret@localhost/d", "other")).toMatch(/leave one of them out/);
  });

  it("is known to have a password, however wrong the rest is", () => {
    expect(
      ["postgres://u:p@h/d", "postgres://u:p@h:port/d", "postgres://u@h/d", "postgres://h:1/d", ""].map(hasPassword),
    ).toEqual([true, true, false, false, false]);
  });
});
