package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// writeFiles writes all files or none: each goes to a temporary file beside its
// place first, and takes that place when all of them are whole.
func writeFiles(dir string, files map[string][]byte) (err error) {
	names := slices.Sorted(maps.Keys(files))
	temporary := make(map[string]string)
	defer func() {
		for _, t := range temporary { // those that did not take their place
			_ = os.Remove(t)
		}
	}()
	for _, name := range names {
		if temporary[name], err = writeTemporary(dir, name, files[name]); err != nil {
			return err
		}
	}
	for _, name := range names {
		if err := os.Rename(temporary[name], filepath.Join(dir, name)); err != nil {
			return err
		}
		delete(temporary, name)
	}
	return nil
}

func writeTemporary(dir, name string, data []byte) (string, error) {
	path := filepath.Join(dir, name) // name may have folders of its own
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(0o644) // servers that read it run as somebody else
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return f.Name(), err
}

// report says what was written.
func report(stdout io.Writer, dir string, files map[string][]byte) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if _, err := fmt.Fprintln(stdout, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}
