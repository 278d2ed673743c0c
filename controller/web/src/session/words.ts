import type { Key, Translate } from "../i18n";
import type { Refusal, Role } from "./roles";

export function roleKey(role: Role | undefined): Key {
  return role ? `role.${role}` : "role.unknown";
}

export function refusalText(refusal: Refusal, t: Translate): string {
  if (refusal.why === "role") return t("blocked.role", { role: t(roleKey(refusal.needs)) });
  return t(refusal.why === "link" ? "blocked.link" : "blocked.standby");
}
