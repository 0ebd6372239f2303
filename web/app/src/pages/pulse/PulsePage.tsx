import { Page } from "../../ui/Page";

export default function PulsePage() {
  return <Page title="Pulse">{null}</Page>;
}
