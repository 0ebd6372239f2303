import { useEffect, useState } from "react";
import { signInAsDemo, signInWithClient, signInWithToken, SignInError, type DemoRole, type Gateway } from "./api/session";
import { words } from "./format";
import { Button } from "./ui/Button";
import { TextArea, TextField } from "./ui/Field";

type Way = "token" | "client";

/** The page of whoever isn't signed in. */
export function SignIn({ gateway, goodbye }: { gateway: Gateway; goodbye: string | null }) {
  useEffect(() => {
    document.title = "Sign in · Redline";
  }, []);
  return (
    <main className="sign-in" id="main">
      <div className="sign-in-card">
        <h1 className="brand brand-large">Redline</h1>
        <p className="sign-in-lead">Stock and orders across the platform and its suppliers, live.</p>
        {goodbye && (
          <p className="note note-warning" role="status">
            {goodbye}
          </p>
        )}
        <SignInForms demo={gateway.demo} />
        <p className="sign-in-foot">
          Redline {gateway.version}
          {gateway.explorer && (
            <>
              {" · "}
              <a href="/explorer">API explorer</a>
            </>
          )}
          {" · "}
          <a href="/licenses.txt">Licences of what is built in</a>
        </p>
      </div>
    </main>
  );
}

/** By a demo's role, a token or a client's credentials. Nothing of it is kept but in memory. */
export function SignInForms({ demo }: { demo: DemoRole[] }) {
  const [busy, setBusy] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [way, setWay] = useState<Way>("token");
  const attempt = async (what: string, signIn: () => Promise<void>) => {
    setBusy(what);
    setError(null);
    try {
      await signIn();
    } catch (err) {
      setError(err instanceof SignInError ? err.message : "The gateway can't be reached. Try again.");
      setBusy(null);
    }
  };
  return (
    <>
      {error && (
        <p className="note note-bad" role="alert">
          {error}
        </p>
      )}
      {demo.length > 0 && <DemoRoles roles={demo} busy={busy} onChoose={(role) => void attempt(role.id, () => signInAsDemo(role))} />}
      <section aria-labelledby="by-credentials">
        <h2 id="by-credentials">{demo.length > 0 ? "Or with credentials" : "Sign in"}</h2>
        <div className="segments" role="group" aria-label="How">
          <button type="button" aria-pressed={way === "token"} onClick={() => setWay("token")}>
            Token
          </button>
          <button type="button" aria-pressed={way === "client"} onClick={() => setWay("client")}>
            Client
          </button>
        </div>
        {way === "token" ? (
          <TokenForm busy={busy !== null} onSubmit={(token) => void attempt("token", () => signInWithToken(token))} />
        ) : (
          <ClientForm busy={busy !== null} onSubmit={(id, secret) => void attempt("client", () => signInWithClient(id, secret))} />
        )}
      </section>
    </>
  );
}

interface DemoProps {
  roles: DemoRole[];
  busy: string | null;
  onChoose: (role: DemoRole) => void;
}

function DemoRoles({ roles, ...rest }: DemoProps) {
  const suppliers = roles.filter((r) => r.role === "SUPPLIER");
  return (
    <section aria-labelledby="by-role">
      <h2 id="by-role">Look around as</h2>
      <RoleList {...rest} roles={roles.filter((r) => r.role !== "SUPPLIER")} />
      {suppliers.length > 0 && (
        <>
          <h3 id="by-supplier">Or as a supplier</h3>
          <div className="roles-many" role="region" aria-labelledby="by-supplier" tabIndex={0}>
            <RoleList {...rest} roles={suppliers} />
          </div>
        </>
      )}
    </section>
  );
}

function RoleList({ roles, busy, onChoose }: DemoProps) {
  return (
    <ul className="roles">
      {roles.map((role) => (
        <li key={role.id}>
          <Button className="role" data-role={role.id} busy={busy === role.id} disabled={busy !== null} onClick={() => onChoose(role)}>
            {role.title}
            <Kind role={role} />
          </Button>
        </li>
      ))}
    </ul>
  );
}

/** What a role is, where its title doesn't say so and its list neither. */
function Kind({ role: { role, title } }: { role: DemoRole }) {
  const kind = words(role);
  if (role === "SUPPLIER" || title.startsWith(kind)) return null;
  return (
    <>
      {" "}
      <span className="role-kind">{kind}</span>
    </>
  );
}

function TokenForm({ busy, onSubmit }: { busy: boolean; onSubmit: (token: string) => void }) {
  const [token, setToken] = useState("");
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        onSubmit(token);
      }}
    >
      <TextArea
        label="Token"
        hint="A JWT of your issuer. It stays in this tab's memory, and is gone when you reload."
        rows={4}
        required
        autoComplete="off"
        spellCheck={false}
        value={token}
        onChange={(e) => setToken(e.target.value)}
      />
      <Button look="primary" type="submit" busy={busy}>
        Sign in
      </Button>
    </form>
  );
}

function ClientForm({ busy, onSubmit }: { busy: boolean; onSubmit: (id: string, secret: string) => void }) {
  const [id, setId] = useState("");
  const [secret, setSecret] = useState("");
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        onSubmit(id, secret);
      }}
    >
      <TextField label="Client id" required autoComplete="off" spellCheck={false} value={id} onChange={(e) => setId(e.target.value)} />
      <TextField
        label="Secret"
        type="password"
        hint="Kept in this tab's memory, to get new tokens."
        required
        autoComplete="off"
        value={secret}
        onChange={(e) => setSecret(e.target.value)}
      />
      <Button look="primary" type="submit" busy={busy}>
        Sign in
      </Button>
    </form>
  );
}
