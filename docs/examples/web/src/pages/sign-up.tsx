import { useState } from "react";

import { api, ask } from "../api/client";
import { Problem, sentenceOf } from "../api/problem";
import { begin } from "../api/session";
import { Field } from "../parts/field";
import { go, Link } from "../router";

export function SignUp() {
  const [failure, setFailure] = useState("");
  const [fields, setFields] = useState<Record<string, string>>({});
  const [typed, setTyped] = useState({ username: "", email: "" });

  const submit = async (form: FormData) => {
    const told = (name: string) => String(form.get(name));
    const body = { username: told("username"), email: told("email"), password: told("password") };
    setTyped(body);
    setFailure("");
    setFields({});
    try {
      begin(await ask(api.POST("/api/v1/auth/register", { body })));
      go("/upload");
    } catch (thrown) {
      if (thrown instanceof Problem && Object.keys(thrown.fields).length) setFields(thrown.fields);
      else setFailure(sentenceOf(thrown));
    }
  };

  return (
    <form className="card account" action={submit}>
      <h1>Create an account</h1>
      <Field label="User name" name="username" hint="3 to 50 letters, digits, dots, dashes" defaultValue={typed.username} failure={fields.username} autoComplete="username" required />
      <Field label="E-mail" name="email" type="email" defaultValue={typed.email} failure={fields.email} autoComplete="email" required />
      <Field label="Password" name="password" type="password" hint="At least 12 characters; a few words will do" failure={fields.password} autoComplete="new-password" minLength={12} required />
      {failure ? <p role="alert">{failure}</p> : null}
      <button type="submit">Create account</button>
      <p className="quiet">Have one? <Link to="/sign-in">Sign in</Link>.</p>
    </form>
  );
}
