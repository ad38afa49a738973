import { useState } from "react";

import { api, ask } from "../api/client";
import { Problem, sentenceOf } from "../api/problem";
import { begin, farewell } from "../api/session";
import { Field } from "../parts/field";
import { go, Link, useQuery } from "../router";
import { useStore } from "../store";

/** Name and password, and where the account has one the second step. */
export function SignIn() {
  const why = useStore(farewell);
  const next = useQuery().get("next");
  const [failure, setFailure] = useState("");
  const [needsCode, setNeedsCode] = useState(false);
  const [typed, setTyped] = useState({ login: "", password: "" });

  const submit = async (form: FormData) => {
    const body = needsCode
      ? { ...typed, otp: String(form.get("otp")) }
      : { login: String(form.get("login")), password: String(form.get("password")) };
    setTyped({ login: body.login, password: body.password });
    setFailure("");
    try {
      begin(await ask(api.POST("/api/v1/auth/login", { body })));
      go(next?.startsWith("/") && !next.startsWith("//") ? next : "/library");
    } catch (thrown) {
      if (thrown instanceof Problem && thrown.code === "otp_required") return setNeedsCode(true);
      setFailure(sentenceOf(thrown));
    }
  };

  return (
    <form className="card account" action={submit}>
      <h1>Sign in</h1>
      {why ? <p role="status" className="farewell">{why}</p> : null}
      {needsCode ? (
        <Field label="Code of your app, or a recovery code" name="otp" autoComplete="one-time-code" autoFocus required />
      ) : (
        <>
          <Field label="User name or e-mail" name="login" defaultValue={typed.login} autoComplete="username" required />
          <Field label="Password" name="password" type="password" autoComplete="current-password" required />
        </>
      )}
      {failure ? <p role="alert">{failure}</p> : null}
      <button type="submit">Sign in</button>
      <p className="quiet">New here? <Link to="/sign-up">Create an account</Link>. <a href="/account/reset-password">Forgot the password?</a></p>
    </form>
  );
}
