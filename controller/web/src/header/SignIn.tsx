import { type FormEvent, useState } from "react";
import { textOfCode, useT } from "../i18n";
import { Icon } from "../icons";
import { askedWith, isSignInOpen, openSignIn, sessionChanged, setToken, token } from "../session/session";
import { roleKey } from "../session/words";
import { role, status, statusChanged } from "../store/site";
import { useTopic } from "../store/topic";

export function SignIn() {
  const t = useT();
  useTopic(sessionChanged);
  useTopic(statusChanged);
  const user = status()?.user;
  return (
    <div className="session">
      <span className="who">
        <Icon name="user" size={18} />
        <span>
          <b>{user || t("session.anonymous")}</b>
          <small>{t(roleKey(role()))}</small>
        </span>
      </span>
      {token() ? (
        <button type="button" onClick={() => setToken("")}>{t("session.signOut")}</button>
      ) : (
        <button type="button" aria-expanded={isSignInOpen()} onClick={() => openSignIn(!isSignInOpen())}>
          {t("session.signIn")}
        </button>
      )}
      {isSignInOpen() && <TokenForm />}
    </div>
  );
}

function TokenForm() {
  const t = useT();
  const [text, setText] = useState("");
  const code = askedWith();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim()) setToken(text);
  };
  return (
    <form className="token-form panel" onSubmit={submit} aria-label={t("session.signIn")}>
      <p className={code ? "token-why" : "token-hint"}>{why(code, t)}</p>
      <label htmlFor="token">{t("session.token")}</label>
      <input id="token" type="password" autoComplete="off" spellCheck={false} autoFocus value={text} onChange={(event) => setText(event.target.value)} />
      <div className="token-buttons">
        <button type="submit" className="primary" disabled={!text.trim()}>{t("session.submit")}</button>
        <button type="button" onClick={() => openSignIn(false)}>{t("session.cancel")}</button>
      </div>
    </form>
  );
}

function why(code: string | undefined, t: ReturnType<typeof useT>): string {
  if (code === undefined) return t("session.tokenHint");
  if (code !== "UNAUTHENTICATED") return textOfCode("code", code);
  return t(token() ? "session.refused" : "session.needed");
}
