// Which role a press of a button needs, and why it can't be pressed now.
export type Role = "viewer" | "operator" | "admin";
export type Refusal = { why: "link" } | { why: "standby" } | { why: "role"; needs: Role };

const RANK: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

export function asRole(word: string): Role | undefined {
  return word === "viewer" || word === "operator" || word === "admin" ? word : undefined;
}

export function refusal(needs: Role, has: Role | undefined, isLive: boolean, leads: boolean): Refusal | undefined {
  if (!isLive) return { why: "link" };
  if (has === undefined || RANK[has] < RANK[needs]) return { why: "role", needs };
  if (!leads) return { why: "standby" };
  return undefined;
}
