"""The prompt workbench without its looks, one idea a file; :mod:`lib_kohaku.app.prompting` puts them together."""
