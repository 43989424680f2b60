#!/bin/sh
# packaging/build-deb.sh OUT_DIR: a Debian package of what the set-up has built (npm run setup). Prints its path.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
out=${1:?usage: packaging/build-deb.sh OUT_DIR}
thaw_home=${THAW_HOME:-/var/lib/thaw}
binaries=$root/target/x86_64-unknown-linux-gnu/release
version=$("$root/node_modules/node/bin/node" -p "require('$root/packages/server/package.json').version")
packages="server cli installation aws-api thaw-api template stacks scan"
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
chmod 755 "$stage"
lib=$stage/usr/lib/thaw

for needed in "$binaries/thaw-sandboxd" "$binaries/thaw-supervisor" "$thaw_home/criu/criu" "$root/runtimes/dist/java" "$root/scanners/dist/java" "$root/packages/console/dist/assets.json" "$root/dist/bundles.json"; do
	[ -e "$needed" ] || { echo "$needed is missing: run npm run setup" >&2; exit 1; }
done

# Root's files, none of them writable by others; names that a clone's umask can't change.
mkdir -p "$lib/bin" "$lib/runtimes" "$lib/node" "$stage/usr/bin" "$stage/lib/systemd/system" "$stage/etc/default" "$stage/usr/share/doc/thaw" "$stage/DEBIAN"
for program in "$binaries"/thaw-*; do
	case $program in *.d) ;; *) install -m 755 "$program" "$lib/bin/" ;; esac
done
install -m 755 "$thaw_home/criu/criu" "$lib/bin/criu"
install -m 755 "$root/node_modules/node/bin/node" "$lib/node/node"
# The SDKs are in several of its folders, and once on the disk.
cp -r --preserve=links "$root/runtimes/dist" "$lib/runtimes/dist"
mkdir -p "$lib/scanners/dist"
cp -r "$root/scanners/python" "$lib/scanners/python"
cp -r "$root/scanners/dist/java" "$lib/scanners/dist/java"
find "$lib/scanners" -name __pycache__ -prune -exec rm -r {} +
for package in $packages; do
	mkdir -p "$lib/packages/$package"
	cp -r "$root/packages/$package/package.json" "$root/packages/$package/src" "$lib/packages/$package/"
	find "$lib/packages/$package" \( -name '*.test.ts' -o -name testing \) -prune -exec rm -r {} +
done
cp -r "$root/packages/cli/bin" "$root/packages/cli/samples" "$lib/packages/cli/"
find "$lib/packages/cli/samples" \( -name __pycache__ -o -name node_modules -o -name dist -o -name target \) -prune -exec rm -r {} +
# Bundled: none of its packages is needed any more.
mkdir -p "$lib/packages/console"
cp -r "$root/packages/console/dist" "$lib/packages/console/"
# Programs in few files. Their sources are never edited here, so that no start has to look at them.
folder=$("$root/node_modules/node/bin/node" -p "require('$root/dist/bundles.json').folder")
mkdir "$lib/dist"
cp -r "$root/dist/$folder" "$lib/dist/"
echo "{\"folder\": \"$folder\", \"inputs\": []}" > "$lib/dist/bundles.json"
mkdir -p "$lib/node_modules/@thaw" "$lib/tools"
for package in $packages; do ln -s "../../packages/$package" "$lib/node_modules/@thaw/$package"; done
install -m 755 "$root/tools/install-runtime.sh" "$root/tools/install-sam-transform.sh" "$root/tools/install-moto.sh" \
	"$root/tools/install-gvisor.sh" \
	"$root/tools/fetch-wheels.py" "$root/tools/lib.sh" "$lib/tools/"
mkdir -p "$lib/tools/gvisor"
install -m 644 "$root"/tools/gvisor/* "$lib/tools/gvisor/"
mkdir -p "$lib/runtimes/sam-transform" "$lib/runtimes/moto" "$lib/runtimes/images"
install -m 644 "$root"/runtimes/images/*.sh "$lib/runtimes/images/"
install -m 644 "$root"/runtimes/sam-transform/*.py "$root/runtimes/sam-transform/requirements.txt" "$lib/runtimes/sam-transform/"
install -m 644 "$root/runtimes/moto/serve.py" "$root/runtimes/moto/requirements.txt" "$lib/runtimes/moto/"
# What the packages need at run time, and nothing of what builds and tests them.
# shellcheck disable=SC2046,SC2086
(cd "$root" && npm ls --omit=dev --all --parseable $(printf -- '-w @thaw/%s ' $packages) 2>/dev/null || true) |
	sed -n "s#^$root/##p" | grep '^node_modules/' | grep -v '^node_modules/\(@thaw/\|node$\|node/\|node-bin\)' | sort -u | while read -r path; do
	mkdir -p "$lib/$(dirname "$path")"
	[ -d "$lib/$path" ] || cp -r "$root/$path" "$lib/$path"
done

cat > "$stage/usr/bin/thaw" <<'SCRIPT'
#!/bin/sh
export THAW_BINARIES="${THAW_BINARIES:-/usr/lib/thaw/bin}" THAW_CLIENTS="${THAW_CLIENTS:-/usr/lib/thaw/runtimes/dist}"
export THAW_CRIU="${THAW_CRIU:-/usr/lib/thaw/bin/criu}" THAW_PROGRAM=thaw
exec /usr/lib/thaw/node/node --disable-warning=ExperimentalWarning /usr/lib/thaw/packages/cli/bin/thaw.mjs "$@"
SCRIPT
chmod 755 "$stage/usr/bin/thaw"
install -m 644 "$root/packaging/systemd/thaw.service" "$stage/lib/systemd/system/thaw.service"
install -m 640 "$root/packaging/systemd/thaw.default" "$stage/etc/default/thaw"

# Documents, which call the program as the package does.
doc=$stage/usr/share/doc/thaw
install -m 644 "$root/packaging/README.md" "$root/CHANGELOG.md" "$root/packaging/grafana-dashboard.json" "$doc/"
install -m 644 "$root/LICENSE" "$doc/copyright"
mkdir -p "$doc/docs" "$doc/samples"
cp -r "$root/docs/guides" "$root/docs/reference" "$root/docs/design" "$root/docs/formats" "$root"/docs/*.md "$doc/docs/"
rm -rf "$doc/docs/formats/vectors"
cp -r "$root/samples/nodejs" "$root/samples/python" "$doc/samples/"
find "$doc" -name '*.md' -exec sed -i 's/npx thaw/thaw/g' {} +
find "$doc" -name __pycache__ -prune -exec rm -r {} +

# Manual page and completion, made by the program itself.
mkdir -p "$stage/usr/share/man/man1" "$stage/usr/share/bash-completion/completions" \
	"$stage/usr/share/zsh/vendor-completions" "$stage/usr/share/fish/vendor_completions.d"
staged=$stage/thaw
sed "s#/usr/lib/thaw#$lib#g" "$stage/usr/bin/thaw" > "$staged"
chmod 755 "$staged"
"$staged" man-page | gzip -9n > "$stage/usr/share/man/man1/thaw.1.gz"
"$staged" completion bash > "$stage/usr/share/bash-completion/completions/thaw"
"$staged" completion zsh > "$stage/usr/share/zsh/vendor-completions/_thaw"
"$staged" completion fish > "$stage/usr/share/fish/vendor_completions.d/thaw.fish"
rm "$staged"
chmod -R u+rwX,go+rX,go-w "$stage/usr/share"
chmod -R u+rwX,go+rX,go-w "$lib"

cat > "$stage/DEBIAN/control" <<CONTROL
Package: thaw
Version: $version
Architecture: amd64
Maintainer: Thaw <thaw@localhost>
Section: net
Priority: optional
Depends: libc6 (>= 2.36), iproute2, nftables, e2fsprogs, util-linux, passwd, python3
Recommends: openjdk-17-jre-headless, mmdebstrap, npm, python3-venv
Installed-Size: $(du -sk "$stage" | cut -f1)
Description: AWS Lambda SnapStart, self-hosted
 A functions platform with the AWS Lambda API whose cold starts are restores of a snapshot of the initialised
 environment.
CONTROL
echo /etc/default/thaw > "$stage/DEBIAN/conffiles"
cat > "$stage/DEBIAN/postinst" <<'SCRIPT'
#!/bin/sh
set -e
if [ "$1" = configure ]; then
	# Users of their own: no other program of the host is given these numbers, by useradd or as a DynamicUser of systemd.
	for user in thaw:64321 thaw-pager:64322 thaw-companion:64323; do
		name=${user%:*} id=${user#*:}
		if ! getent passwd "$name" >/dev/null; then
			getent group "$name" >/dev/null || groupadd --system --gid "$id" "$name"
			useradd --system --uid "$id" --gid "$name" --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$name" ||
				echo "thaw: another user has the id $id: see THAW_SERVER_UID in /etc/default/thaw" >&2
		fi
	done
fi
if [ "$1" = configure ] && [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	# A running server goes over to the new version without a failed invoke; a new one is started by its operator.
	if [ -n "$2" ]; then systemctl try-reload-or-restart thaw.service; fi
fi
SCRIPT
cat > "$stage/DEBIAN/prerm" <<'SCRIPT'
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then systemctl stop thaw.service; fi
SCRIPT
cat > "$stage/DEBIAN/postrm" <<'SCRIPT'
#!/bin/sh
set -e
if [ "$1" = purge ]; then rm -rf /run/thaw; echo "thaw: functions and snapshots are kept in /var/lib/thaw"; fi
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
SCRIPT
chmod 755 "$stage/DEBIAN/postinst" "$stage/DEBIAN/prerm" "$stage/DEBIAN/postrm"
mkdir -p "$out"
package=$out/thaw_${version}_amd64.deb
dpkg-deb --root-owner-group -Zgzip -z1 --build "$stage" "$package" >/dev/null
echo "$package"
