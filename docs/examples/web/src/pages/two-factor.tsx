import { useState } from "react";

import { api, ask } from "../api/client";
import { attempt, say } from "../notices";
import { Field } from "../parts/field";
import { provably } from "../parts/step-up";

interface Setup {
  secret: string;
  qr_svg: string;
}

const picture = (svg: string) => `data:image/svg+xml;base64,${btoa(svg)}`;

/** A second step at sign-in: an app that makes codes, and ten recovery codes for the day it is lost. */
export function TwoFactor({ isOn, onChange }: { isOn: boolean; onChange: () => void }) {
  const [setup, setSetup] = useState<Setup | null>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  const [isLeaving, setLeaving] = useState(false);

  const start = () => attempt(async () => setSetup(await provably(() => ask(api.POST("/api/v1/auth/2fa/setup")))));
  const confirm = (form: FormData) =>
    attempt(async () => {
      const body = { code: String(form.get("code")).replaceAll(" ", "") };
      setCodes((await ask(api.POST("/api/v1/auth/2fa/confirm", { body }))).recovery_codes);
      setSetup(null);
      onChange();
    });
  const renew = () =>
    attempt(async () => setCodes((await provably(() => ask(api.POST("/api/v1/auth/2fa/recovery-codes")))).recovery_codes));
  const turnOff = (form: FormData) =>
    attempt(async () => {
      const body = { password: String(form.get("password")), code: String(form.get("code")) };
      await provably(() => ask(api.DELETE("/api/v1/auth/2fa", { body: body as never })));
      setLeaving(false);
      setCodes(null);
      say("The second step is off.");
      onChange();
    });

  return (
    <section className="card" aria-label="Two-step sign-in">
      <h2>Two-step sign-in</h2>
      {codes ? <RecoveryCodes codes={codes} onDone={() => setCodes(null)} /> : null}
      {setup ? (
        <form action={async (form) => void (await confirm(form))} className="setup">
          <img src={picture(setup.qr_svg)} alt="QR code for your app" width="180" height="180" />
          <div>
            <p>Read the picture with an app that makes codes, or type this secret into it:</p>
            <p><code data-testid="secret">{setup.secret}</code></p>
            <Field label="The code that it shows" name="code" inputMode="numeric" autoComplete="one-time-code" required />
            <button type="submit">Turn it on</button>
          </div>
        </form>
      ) : null}
      {isOn ? (
        <>
          <p>On: whoever has your password still needs a code of your app.</p>
          <p className="actions">
            <button type="button" className="second" onClick={() => void renew()}>New recovery codes</button>
            <button type="button" className="bare" onClick={() => setLeaving(!isLeaving)}>Turn it off</button>
          </p>
          {isLeaving ? (
            <form action={async (form) => void (await turnOff(form))}>
              <Field label="Password" name="password" type="password" autoComplete="current-password" required />
              <Field label="Code, or a recovery code" name="code" autoComplete="one-time-code" required />
              <button type="submit">Turn it off</button>
            </form>
          ) : null}
        </>
      ) : null}
      {!isOn && !setup ? (
        <>
          <p>Off. With it a stolen password alone opens nothing.</p>
          <button type="button" onClick={() => void start()}>Set it up</button>
        </>
      ) : null}
    </section>
  );
}

function RecoveryCodes({ codes, onDone }: { codes: string[]; onDone: () => void }) {
  const save = URL.createObjectURL(new Blob([codes.join("\n")], { type: "text/plain" }));
  return (
    <div className="recovery" role="status">
      <p><strong>Keep these recovery codes.</strong> Each signs you in once, should the app be lost. They are shown only now.</p>
      <ul>{codes.map((code) => <li key={code}><code>{code}</code></li>)}</ul>
      <p className="actions">
        <a className="button second" href={save} download="veza-recovery-codes.txt">Save as a file</a>
        <button type="button" onClick={onDone}>I have them</button>
      </p>
    </div>
  );
}
