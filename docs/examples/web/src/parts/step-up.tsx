import { useState } from "react";

import { api, ask } from "../api/client";
import { Problem, sentenceOf } from "../api/problem";
import { createStore, useStore } from "../store";
import { Dialog } from "./dialog";
import { Field } from "./field";

const waiting = createStore<((proved: boolean) => void) | null>(null);

/** Do it; where the server wants a fresh proof of who this is, ask for one and do it again. */
export async function provably<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof Problem) || thrown.code !== "step_up_required") throw thrown;
    const proved = await new Promise<boolean>((resolve) => waiting.set(resolve));
    waiting.set(null);
    if (!proved) throw thrown;
    return work();
  }
}

/** Stands once in the page, and shows itself when somebody has to prove who he is. */
export function StepUp() {
  const resolve = useStore(waiting);
  const [needsCode, setNeedsCode] = useState(false);
  const [failure, setFailure] = useState("");
  if (!resolve) return null;
  const submit = async (form: FormData) => {
    const told = String(form.get("proof"));
    try {
      await ask(api.POST("/api/v1/auth/step-up", { body: (needsCode ? { otp: told } : { password: told }) as never }));
      resolve(true);
    } catch (thrown) {
      if (thrown instanceof Problem && thrown.code === "otp_required") return setNeedsCode(true);
      setFailure(sentenceOf(thrown));
    }
  };
  return (
    <Dialog title="Is it you?" onClose={() => resolve(false)}>
      <form action={submit}>
        {needsCode ? (
          <Field key="code" label="Code of your app" name="proof" autoComplete="one-time-code" failure={failure} required />
        ) : (
          <Field key="password" label="Your password" name="proof" type="password" autoComplete="current-password" failure={failure} required />
        )}
        <button type="submit">Go on</button>
      </form>
    </Dialog>
  );
}
