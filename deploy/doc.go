// Package deploy holds what runs and watches a gateway: a compose file, Prometheus'
// rules, Grafana's dashboard. There is nothing to import; its tests see that all of
// it fits together and to the product.
package deploy
