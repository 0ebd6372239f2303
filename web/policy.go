package web

// PolicyDashboard is the Content-Security-Policy of the dashboard: it runs and loads what
// the gateway serves and nothing else, has no script or style within its HTML, is
// shown in no frame, and sends no form anywhere.
const PolicyDashboard = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// PolicyExplorer is that of GraphiQL. Its editor, Monaco, writes style elements and
// attributes as it goes, and works in workers; its fonts and icons are part of
// its style sheet. Scripts are as strict as the dashboard's.
const PolicyExplorer = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
	"font-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// policyScript is that of a script, which holds in a worker that is made of it: it may
// load the rest of itself.
const policyScript = "default-src 'none'; script-src 'self'; frame-ancestors 'none'"
