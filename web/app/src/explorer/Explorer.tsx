import { DOC_EXPLORER_PLUGIN } from "@graphiql/plugin-doc-explorer";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import { useEffect, useState } from "react";
import { fetchGateway, resume, signInAsDemo, signOut, useSession, type Gateway } from "../api/session";
import { openSocket, type Socket } from "../api/socket";
import { SignInForms } from "../SignIn";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { words } from "../format";
import { examplesPlugin } from "./Examples";
import { examplesFor } from "./examples";
import { openFetcher } from "./fetcher";

const plugins = [examplesPlugin, HISTORY_PLUGIN];
const firstTab = [{ query: examplesFor(null)[0]?.query ?? "", variables: JSON.stringify(examplesFor(null)[0]?.variables, null, 2) }];

/** GraphiQL for this gateway, with a sign-in above it. */
export function Explorer() {
  const { session } = useSession();
  const [gateway, setGateway] = useState<Gateway | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  useEffect(() => {
    fetchGateway()
      .then(async (found) => {
        await resume(found).catch(() => {});
        setGateway(found);
      })
      .catch(() => setFault("The gateway can't be reached. Reload the page to try again."));
  }, []);
  if (fault)
    return (
      <main className="page">
        <p className="note note-bad" role="alert">
          {fault}
        </p>
      </main>
    );
  if (!gateway) return null;
  // Another token may see another schema, and its subscriptions need a socket of its own.
  return <Pane key={session?.viewer.subject ?? ""} gateway={gateway} />;
}

function Pane({ gateway }: { gateway: Gateway }) {
  const [socket, setSocket] = useState<Socket | null>(null);
  useEffect(() => {
    const opened = openSocket();
    setSocket(opened);
    return () => opened.close();
  }, []);
  return (
    <div className="explorer">
      <Bar gateway={gateway} />
      <main id="main" className="explorer-pane">
        {socket && <Editor socket={socket} />}
      </main>
    </div>
  );
}

function Editor({ socket }: { socket: Socket }) {
  const [fetcher] = useState(() => openFetcher(socket));
  return (
    <GraphiQL fetcher={fetcher} plugins={plugins} visiblePlugin={examplesPlugin} referencePlugin={DOC_EXPLORER_PLUGIN} defaultTabs={firstTab} showPersistHeadersSettings={false}>
      <GraphiQL.Logo>
        <span />
      </GraphiQL.Logo>
    </GraphiQL>
  );
}

/** Who asks: one of the demo's roles, whoever's token it is, or nobody. */
function Bar({ gateway }: { gateway: Gateway }) {
  const { session, goodbye } = useSession();
  const [signingIn, setSigningIn] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  const choose = (id: string) => {
    const role = gateway.demo.find((r) => r.id === id);
    setFault(null);
    if (role) signInAsDemo(role).catch(() => setFault("That didn't work. Try again."));
    else signOut();
  };
  const chosen = gateway.demo.find((r) => r.title === session?.title)?.id ?? "";
  return (
    <header className="top">
      <a className="brand" href="/">
        Redline
      </a>
      <h1 className="explorer-title">API explorer</h1>
      <span role="status" className="explorer-word">
        {fault ?? goodbye}
      </span>
      <div className="who">
        {gateway.demo.length > 0 && (
          <label className="explorer-role">
            Ask as
            <select className="input" value={chosen} onChange={(e) => choose(e.target.value)}>
              <option value="">{session && !chosen ? session.title : "anybody"}</option>
              {gateway.demo.map((role) => (
                <option key={role.id} value={role.id}>
                  {role.title}
                </option>
              ))}
            </select>
          </label>
        )}
        {session && gateway.demo.length === 0 && (
          <span className="who-name" title={words(session.viewer.role)}>
            {session.title}
          </span>
        )}
        {session ? (
          <Button look="quiet" onClick={() => signOut()}>
            Sign out
          </Button>
        ) : (
          <Button onClick={() => setSigningIn(true)}>Sign in</Button>
        )}
      </div>
      {signingIn && !session && (
        <Dialog title="Sign in" onClose={() => setSigningIn(false)}>
          <SignInForms demo={[]} />
        </Dialog>
      )}
    </header>
  );
}
