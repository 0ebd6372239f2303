import { useGraphiQL, useGraphiQLActions, type GraphiQLPlugin } from "@graphiql/react";
import { useSession } from "../api/session";
import { words } from "../format";
import { examplesFor, type Example, type Role } from "./examples";

function Icon() {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
      <path d="M5 4h11l3 3v13H5zM8 10h8M8 13.5h8M8 17h5" />
    </svg>
  );
}

/** Opens an example in a tab of its own, or in the present one where that is empty; null until there are editors. */
function useOpen(): ((example: Example) => void) | null {
  const { addTab } = useGraphiQLActions();
  const { queryEditor, variableEditor } = useGraphiQL((state) => ({ queryEditor: state.queryEditor, variableEditor: state.variableEditor }));
  if (!queryEditor || !variableEditor) return null;
  return (example) => {
    if (queryEditor.getValue().trim()) addTab();
    queryEditor.setValue(example.query);
    variableEditor.setValue(example.variables ? JSON.stringify(example.variables, null, 2) : "");
    queryEditor.focus();
  };
}

function Content() {
  const { session } = useSession();
  const role = (session?.viewer.role as Role | undefined) ?? null;
  const open = useOpen();
  return (
    <section className="examples" aria-labelledby="examples-title">
      <h2 id="examples-title" className="graphiql-doc-explorer-title">
        Examples
      </h2>
      <p>{role ? `For the role ${words(role)}.` : "For anybody. Sign in, and there are more."}</p>
      <ul>
        {examplesFor(role).map((example) => (
          <li key={example.title}>
            <button type="button" className="graphiql-un-styled example" disabled={!open} onClick={() => open?.(example)}>
              <strong>{example.title}</strong>
              <span>{example.about}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** A pane of GraphiQL with operations to begin with, for the role that is signed in. */
export const examplesPlugin: GraphiQLPlugin = { title: "Examples", icon: Icon, content: Content };
