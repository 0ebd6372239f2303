import { useEffect, useState } from "react";
import { Provider } from "urql";
import { faultOfThrown, type Fault } from "./api/errors";
import { openApi, type Api } from "./api/client";
import { ApiContext } from "./api/context";
import { fetchGateway, resume, useSession, type Gateway, type Session } from "./api/session";
import { Shell } from "./Shell";
import { SignIn } from "./SignIn";
import { Alerts } from "./ui/alerts";
import { FaultNote } from "./ui/Page";

/** The whole dashboard: the sign-in, or for who is signed in the shell with its pages. */
export function App() {
  const { session, goodbye } = useSession();
  const [gateway, setGateway] = useState<Gateway | null>(null);
  const [fault, setFault] = useState<Fault | null>(null);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let over = false;
    void (async () => {
      try {
        const found = await fetchGateway();
        await resume(found).catch(() => {});
        if (!over) setGateway(found);
      } catch (err) {
        if (!over) setFault(faultOfThrown(err));
      }
    })();
    return () => {
      over = true;
    };
  }, [attempt]);

  let content = null;
  if (fault)
    content = (
      <main className="page">
        <FaultNote
          fault={fault}
          doing="Asking the gateway"
          onRetry={() => {
            setFault(null);
            setAttempt(attempt + 1);
          }}
        />
      </main>
    );
  else if (gateway && session) content = <SignedIn key={session.viewer.subject} gateway={gateway} session={session} />;
  else if (gateway) content = <SignIn gateway={gateway} goodbye={goodbye} />;
  return (
    <>
      {content}
      <Alerts />
    </>
  );
}

function SignedIn({ gateway, session }: { gateway: Gateway; session: Session }) {
  const [api, setApi] = useState<Api | null>(null);
  useEffect(() => {
    const opened = openApi();
    setApi(opened);
    return () => opened.socket.close();
  }, []);
  if (!api) return null;
  return (
    <ApiContext value={api}>
      <Provider value={api.urql}>
        <Shell gateway={gateway} session={session} />
      </Provider>
    </ApiContext>
  );
}
