package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/hookseal/hookseal/bench/internal/figure"
	"github.com/hookseal/hookseal/bench/internal/machine"
)

// size measures by how much the binary grew since the commit that the plan names.
func (b *bench) size(ctx context.Context) error {
	now, err := os.Stat(b.binary)
	if err != nil {
		return err
	}
	source := filepath.Join(b.dir, "base")
	defer os.RemoveAll(source)
	if err := checkOut(ctx, b.plan.base, source); err != nil {
		fmt.Fprintf(b.out, "\nThe binary has %s; what it had before is not to be found out: %v.\n", mebibyteText(now.Size()), err)
		return nil
	}
	fmt.Fprintln(os.Stderr, "building", hookseal, "of", b.plan.base)
	binary := filepath.Join(b.dir, "hookseal-base")
	if err := machine.Build(ctx, source, binary, hookseal); err != nil {
		return err
	}
	base, err := os.Stat(binary)
	if err != nil {
		return err
	}
	fmt.Fprint(b.out, "\n### Size of the binary\n\n")
	figure.WriteHeader(b.out, "", "size", "ratio")
	figure.WriteRow(b.out, "at "+b.plan.base, mebibyteText(base.Size()), "1.00")
	figure.WriteRow(b.out, "now", mebibyteText(now.Size()), fmt.Sprintf("%.2f", float64(now.Size())/float64(base.Size())))
	return nil
}

// checkOut puts the files of a commit into a folder.
func checkOut(ctx context.Context, commit, folder string) error {
	command := exec.CommandContext(ctx, "git", "archive", "--format=tar", commit)
	out, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	unpacked := unpack(out, folder)
	_, _ = io.Copy(io.Discard, out) // so that git can end
	if err := command.Wait(); err != nil {
		return fmt.Errorf("git archive %s: %w", commit, err)
	}
	return unpacked
}

// unpack writes the files of an archive into a folder.
func unpack(archive io.Reader, folder string) error {
	files := tar.NewReader(archive)
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		path := filepath.Join(folder, header.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		file, err := os.Create(path)
		if err != nil {
			return err
		}
		_, err = io.Copy(file, files)
		if err := errors.Join(err, file.Close()); err != nil {
			return err
		}
	}
}
