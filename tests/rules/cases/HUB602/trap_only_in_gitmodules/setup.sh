git init -q -b main
printf "[submodule \"old\"]\n\tpath = old\n\turl = https://example.org/old\n" > .gitmodules
git add -A
