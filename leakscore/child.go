package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/weir-go/weir/leakscore/watch"
)

// childDeadline ends a child that hangs. It is far above what any takes.
const childDeadline = 3 * time.Minute

// runChild runs a program to its end, or kills it after childDeadline, and returns what
// it printed.
func runChild(report *os.File, env []string, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), childDeadline)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	if report != nil {
		cmd.ExtraFiles = []*os.File{report}
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %v: %w\n%s", name, args, err, tail(out.Bytes()))
	}
	return out.String(), nil
}

// tail returns the part of an output that fits on a screen.
func tail(out []byte) []byte { return out[max(0, len(out)-4000):] }

// runWatched runs a program that reports.
func runWatched(p watch.Plan, env []string, name string, args ...string) (r watch.Report, err error) {
	plan, err := json.Marshal(p)
	if err != nil {
		return r, err
	}
	in, out, err := os.Pipe()
	if err != nil {
		return r, err
	}
	defer func() { _ = in.Close() }()
	read := make(chan error, 1)
	go func() { read <- json.NewDecoder(in).Decode(&r) }()
	_, failed := runChild(out, append(env, watch.PlanVariable+"="+string(plan)), name, args...)
	_ = out.Close() // the last copy, so the reader ends
	if err := errors.Join(failed, <-read); err != nil {
		return r, err
	}
	if r.Problem != "" {
		return r, fmt.Errorf("%s %v: %s", name, args, r.Problem)
	}
	return r, nil
}
