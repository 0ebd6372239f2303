package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

type service struct {
	User        string
	Build       any
	Environment map[string]string
	Ports       []string
	Volumes     []string
	Secrets     []string
	CapDrop     []string `yaml:"cap_drop"`
	SecurityOpt []string `yaml:"security_opt"`
	Healthcheck *struct{ Test []string }
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
}

func TestComposeFileFitsTogether(t *testing.T) {
	t.Parallel()
	file := read[struct {
		Services map[string]service
		Volumes  map[string]any
		Secrets  map[string]struct{ File string }
	}](t, "compose.yaml")
	for _, name := range []string{"postgres", "redline", "prometheus", "grafana", "redis"} {
		s, there := file.Services[name]
		if !there {
			t.Fatalf("there is no %s", name)
		}
		// The gateway's image has a check of its own.
		if s.Healthcheck == nil && s.Build == nil {
			t.Errorf("nobody asks %s how it is", name)
		}
		if len(s.CapDrop) == 0 || len(s.SecurityOpt) == 0 {
			t.Errorf("%s may do more than it has to", name)
		}
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s is open to others at %s", name, port)
			}
		}
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			if _, named := file.Volumes[from]; named {
				continue
			}
			if _, err := os.Stat(from); err != nil {
				t.Errorf("%s mounts %s: %v", name, from, err)
			}
		}
		for _, secret := range s.Secrets {
			if file.Secrets[secret].File == "" {
				t.Errorf("%s is given the secret %s, which isn't there", name, secret)
			}
		}
		for other, on := range s.DependsOn {
			if _, there := file.Services[other]; !there || on.Condition != "service_healthy" {
				t.Errorf("%s depends on %s", name, other)
			}
		}
	}
}

// Each variable of the compose file is in .env.example, and each there is used.
func TestComposeFileSaysWhatToSet(t *testing.T) {
	t.Parallel()
	compose, err := os.ReadFile("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile(".env.example")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`\$\{([A-Z_]+)`).FindAllSubmatch(compose, -1) {
		used[string(m[1])] = true
	}
	for _, m := range regexp.MustCompile(`(?m)^([A-Z_]+)=`).FindAllSubmatch(example, -1) {
		if !used[string(m[1])] {
			t.Errorf(".env.example sets %s, which nothing uses", m[1])
		}
		delete(used, string(m[1]))
	}
	for name := range used {
		t.Errorf("compose.yaml uses %s, of which .env.example says nothing", name)
	}
}

// What the files of Prometheus and Grafana call each other by.
func TestProvisioningFitsTheComposeFile(t *testing.T) {
	t.Parallel()
	prometheus := read[struct {
		RuleFiles     []string `yaml:"rule_files"`
		ScrapeConfigs []struct {
			JobName       string                       `yaml:"job_name"`
			StaticConfigs []struct{ Targets []string } `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}](t, "prometheus/prometheus.yml")
	for _, file := range prometheus.RuleFiles {
		if _, err := os.Stat(filepath.Join("prometheus", file)); err != nil {
			t.Error(err)
		}
	}
	if c := prometheus.ScrapeConfigs; len(c) != 1 || c[0].JobName != "redline" || c[0].StaticConfigs[0].Targets[0] != "redline:8080" {
		t.Errorf("Prometheus scrapes %+v; the rules look for the job redline", c)
	}
	sources := read[struct{ Datasources []struct{ Type, URL string } }](t, "grafana/provisioning/datasources/prometheus.yml")
	if s := sources.Datasources; len(s) != 1 || s[0].Type != "prometheus" || s[0].URL != "http://prometheus:9090" {
		t.Errorf("Grafana's data sources are %+v", s)
	}
	providers := read[struct {
		Providers []struct{ Options struct{ Path string } }
	}](t, "grafana/provisioning/dashboards/redline.yml")
	compose := read[yaml.MapSlice](t, "compose.yaml")
	text, err := yaml.Marshal(compose)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range providers.Providers {
		if !strings.Contains(string(text), ":"+p.Options.Path+"/redline.json") {
			t.Errorf("no dashboard is mounted at %s", p.Options.Path)
		}
	}
}
