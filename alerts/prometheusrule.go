package alerts

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// prometheusRule is the rules as a custom resource of the Prometheus operator.
type prometheusRule struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Metadata   metadata `yaml:"metadata"`
	Spec       ruleFile `yaml:"spec"`
}

type metadata struct {
	Name      string            `yaml:"name"`
	Namespace string            `yaml:"namespace,omitempty"`
	Labels    map[string]string `yaml:"labels"`
}

func prometheusRuleOf(s settings) prometheusRule {
	labels := map[string]string{"app.kubernetes.io/name": "weir"}
	maps.Copy(labels, s.RuleLabels)
	return prometheusRule{
		APIVersion: "monitoring.coreos.com/v1",
		Kind:       "PrometheusRule",
		Metadata:   metadata{Name: "weir", Namespace: s.RuleNamespace, Labels: labels},
		Spec:       rules(s),
	}
}

// What Kubernetes takes as a namespace, and as the key and the value of a label.
var (
	namespaceForm  = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	labelKeyForm   = regexp.MustCompile(`^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$`)
	labelValueForm = regexp.MustCompile(`^([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?$`)
)

func (s settings) checkPrometheusRule() error {
	if s.RuleNamespace != "" && !namespaceForm.MatchString(s.RuleNamespace) {
		return fmt.Errorf("namespace %q: give at most 63 small letters, digits and dashes", s.RuleNamespace)
	}
	for _, key := range slices.Sorted(maps.Keys(s.RuleLabels)) {
		if value := s.RuleLabels[key]; !labelKeyForm.MatchString(key) || !labelValueForm.MatchString(value) {
			return fmt.Errorf("rule label %s=%s: Kubernetes takes at most 63 letters, digits, and - _ . within", key, value)
		}
	}
	return nil
}
