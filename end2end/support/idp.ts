// Identity providers. They send what Okta and Entra ID really send, header by header, and hold the answers to what those
// clients need.

import { expect } from "@playwright/test";
import { request } from "node:http";
import { token as remember } from "./secrets";

const USER = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group";
const LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const ERROR = "urn:ietf:params:scim:api:messages:2.0:Error";

/** Somebody in the company's directory. */
export interface Person {
  email: string;
  given: string;
  family: string;
  /** The directory's own id. */
  externalId: string;
}

/** A user, as the server represents one. */
export interface ScimUser {
  id: string;
  userName: string;
  active: boolean;
  [attribute: string]: unknown;
}

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

/** What the two have in common: a base URL, a token, and how they read answers. */
abstract class IdentityProvider {
  constructor(
    readonly baseUrl: string,
    readonly token: string,
  ) {
    remember(token);
  }

  protected abstract readonly headers: Record<string, string>;

  /** Node's `fetch` adds headers of its own and rewrites URLs; this sends what it is told. */
  protected send(method: string, path: string, body?: unknown): Promise<Answer> {
    const base = new URL(this.baseUrl);
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const length = payload === undefined ? {} : { "Content-Length": Buffer.byteLength(payload) };
    const options = {
      method,
      host: base.hostname,
      port: base.port,
      path: base.pathname + path,
      headers: { ...this.headers, Authorization: `Bearer ${this.token}`, ...length },
      agent: false,
    };
    return new Promise((resolve, reject) => {
      const sent = request(options, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, text: Buffer.concat(chunks).toString() }));
      });
      sent.on("error", reject);
      sent.end(payload);
    });
  }

  /** Send a request, and expect an answer of this status with a SCIM body. */
  protected async ask(method: string, path: string, status: number, body?: unknown): Promise<{ json: any; headers: Answer["headers"] }> {
    const answer = await this.send(method, path, body);
    expect(answer.status, `${method} ${path}: ${answer.text}`).toBe(status);
    expect(answer.headers["content-type"], `${method} ${path}`).toBe("application/scim+json");
    return { json: JSON.parse(answer.text), headers: answer.headers };
  }

  protected async list(path: string): Promise<ScimUser[]> {
    const { json } = await this.ask("GET", path, 200);
    expect(json).toEqual({
      schemas: [LIST],
      totalResults: expect.any(Number),
      startIndex: 1,
      itemsPerPage: json.Resources.length,
      Resources: expect.any(Array),
    });
    expect(json.totalResults).toBeGreaterThanOrEqual(json.Resources.length);
    return json.Resources;
  }

  protected async post(body: { userName: string; externalId: string; [attribute: string]: unknown }): Promise<ScimUser> {
    const { json, headers } = await this.ask("POST", "/Users", 201, body);
    this.expectUser(json);
    expect(json).toMatchObject({ userName: body.userName, externalId: body.externalId, active: true });
    expect(headers.location).toBe(json.meta.location);
    return json;
  }

  protected async patch(id: string, operation: { op: string; path?: string; value: unknown }): Promise<ScimUser> {
    const { json } = await this.ask("PATCH", `/Users/${id}`, 200, { schemas: [PATCH], Operations: [operation] });
    this.expectUser(json);
    expect(json.id).toBe(id);
    return json;
  }

  protected expectUser(user: any) {
    expect(user.schemas).toContain(USER);
    expect(user).toMatchObject({ id: expect.any(String), userName: expect.any(String), active: expect.any(Boolean) });
    expect(user.meta).toMatchObject({ resourceType: "User", location: `${this.baseUrl}/Users/${user.id}` });
    expect(user).not.toHaveProperty("password");
  }

  /** What every caller without a valid token is told, whatever is wrong with it. Answers the whole body, to be compared. */
  async expectRefused(): Promise<string> {
    const answer = await this.send("GET", "/Users?startIndex=1&count=2");
    expect(answer.status).toBe(401);
    expect(answer.headers["content-type"]).toBe("application/scim+json");
    expect(answer.headers["www-authenticate"]).toBe('Bearer realm="scim"');
    expect(JSON.parse(answer.text)).toEqual({ schemas: [ERROR], status: "401", detail: expect.stringMatching(/./) });
    return answer.text;
  }
}

/** A member of a group, as Okta names one. */
function reference(user: ScimUser) {
  return { value: user.id, display: user.userName };
}

/** Okta's SCIM client. */
export class Okta extends IdentityProvider {
  protected readonly headers = {
    "User-Agent": "Okta SCIM Client 1.0.0",
    Accept: "application/scim+json",
    "Accept-Charset": "utf-8",
    "Content-Type": "application/scim+json; charset=utf-8",
  };

  /** The button "Test API Credentials". */
  async testCredentials() {
    await this.list("/Users?startIndex=1&count=2");
    await this.list("/Groups?startIndex=1&count=100");
  }

  /** An assignment: look for the user, and create it since there is none. */
  async create(person: Person): Promise<ScimUser> {
    expect(await this.match(person)).toEqual([]);
    const user = await this.post({ ...this.profile(person), groups: [], password: "1mz050nq", active: true });
    expect(await this.match(person)).toMatchObject([{ id: user.id }]);
    return user;
  }

  /** Without a path, as Okta does. */
  deactivate(id: string) {
    return this.setActive(id, false);
  }

  reactivate(id: string) {
    return this.setActive(id, true);
  }

  /** What a custom app sends in the place of a PATCH: everything that was read, and `active`. */
  async putInactive(id: string): Promise<ScimUser> {
    const { json: read } = await this.ask("GET", `/Users/${id}`, 200);
    const { json } = await this.ask("PUT", `/Users/${id}`, 200, { ...read, active: false });
    this.expectUser(json);
    expect(json).toMatchObject({ id, userName: read.userName, active: false });
    return json;
  }

  /** Push a group with these users in it; its id. */
  async pushGroup(name: string, members: ScimUser[]): Promise<string> {
    expect(await this.list(`/Groups?filter=displayName%20eq%20%22${encodeURIComponent(name)}%22&startIndex=1&count=100`)).toEqual([]);
    const { json } = await this.ask("POST", "/Groups", 201, { schemas: [GROUP], displayName: name, members: members.map(reference) });
    expect(json).toMatchObject({ displayName: name, id: expect.any(String) });
    return json.id;
  }

  /** Somebody has come into a pushed group. */
  putInto(group: string, user: ScimUser) {
    return this.changeGroup(group, { op: "add", path: "members", value: [reference(user)] });
  }

  /** Somebody has gone out of one. */
  takeOutOf(group: string, user: ScimUser) {
    return this.changeGroup(group, { op: "remove", path: `members[value eq "${user.id}"]` });
  }

  async deleteGroup(group: string) {
    const answer = await this.send("DELETE", `/Groups/${group}`);
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 204, text: "" });
  }

  private async changeGroup(group: string, operation: { op: string; path: string; value?: unknown }) {
    const answer = await this.send("PATCH", `/Groups/${group}`, { schemas: [PATCH], Operations: [operation] });
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 204, text: "" });
  }

  private async setActive(id: string, active: boolean): Promise<ScimUser> {
    const user = await this.patch(id, { op: "replace", value: { active } });
    expect(user.active).toBe(active);
    return user;
  }

  match(person: Person): Promise<ScimUser[]> {
    return this.list(`/Users?filter=userName%20eq%20%22${encodeURIComponent(person.email)}%22&startIndex=1&count=100`);
  }

  private profile({ email, given, family, externalId }: Person) {
    return {
      schemas: [USER],
      userName: email,
      name: { givenName: given, familyName: family },
      emails: [{ primary: true, value: email, type: "work" }],
      displayName: `${given} ${family}`,
      locale: "en-US",
      externalId,
    };
  }
}

/** Entra ID's provisioning service, in its default mode. */
export class Entra extends IdentityProvider {
  protected readonly headers = {
    "Content-Type": "application/scim+json; charset=utf-8",
    Accept: "application/scim+json",
  };

  /** The button "Test Connection": it looks for things that cannot be there, with `+` for a space. */
  async testConnection() {
    const nobody = "f1d6c6e0-7a0b-4c2e-9a51-0d5b8a3d1a77";
    expect(await this.list(`/Users?filter=userName+eq+%22${nobody}%22`)).toEqual([]);
    expect(await this.list(`/Groups?excludedAttributes=members&filter=displayName+eq+%22${nobody}%22`)).toEqual([]);
  }

  async create(person: Person): Promise<ScimUser> {
    const { email, given, family, externalId } = person;
    expect(await this.match(person)).toEqual([]);
    const user = await this.post({
      schemas: [USER, ENTERPRISE],
      externalId,
      userName: email,
      active: true,
      displayName: `${given} ${family}`,
      emails: [{ primary: true, type: "work", value: email }],
      meta: { resourceType: "User" },
      name: { formatted: `${given} ${family}`, familyName: family, givenName: given },
      [ENTERPRISE]: { department: "R&D", employeeNumber: "4411" },
      roles: [],
    });
    expect(user[ENTERPRISE]).toMatchObject({ department: "R&D", employeeNumber: "4411" });
    expect(await this.match(person)).toMatchObject([{ id: user.id }]);
    return user;
  }

  /** A boolean as text, with a capital. */
  async disable(id: string): Promise<ScimUser> {
    const user = await this.patch(id, { op: "Replace", path: "active", value: "False" });
    expect(user.active).toBe(false);
    return user;
  }

  async enable(id: string): Promise<ScimUser> {
    const user = await this.patch(id, { op: "Replace", path: "active", value: "True" });
    expect(user.active).toBe(true);
    return user;
  }

  /** The hard delete, thirty days after the soft one. */
  async delete(id: string) {
    const answer = await this.send("DELETE", `/Users/${id}`);
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 204, text: "" });
    const { json } = await this.ask("GET", `/Users/${id}`, 404);
    expect(json).toEqual({ schemas: [ERROR], status: "404", detail: expect.any(String) });
  }

  match(person: Person): Promise<ScimUser[]> {
    return this.list(`/Users?filter=userName+eq+%22${encodeURIComponent(person.email)}%22`);
  }
}
