// Recipes in and out as files. Of a checkpoint only the header is read, here in the browser.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const LARGEST_TEXT = 4e6;
    const LARGEST_HEADER = 100e6;

    function give(document) {
        kohaku.actions.act('recipe_import', JSON.stringify(document));
    }

    async function readMetadata(file) {
        const start = await file.slice(0, 8).arrayBuffer();
        const length = start.byteLength < 8 ? 0n : new DataView(start).getBigUint64(0, true);
        const text = length > BigInt(LARGEST_HEADER) ? '' : await file.slice(8, 8 + Number(length)).text();
        const header = kohaku.parse(text, null);
        if (!header) throw new Error('this is not a safetensors file');
        const metadata = {};
        for (const [key, value] of Object.entries(header.__metadata__ || {})) {
            if (key.includes('recipe')) metadata[key] = value;
        }
        return metadata;
    }

    async function readFile(file) {
        try {
            if (file.name.toLowerCase().endsWith('.safetensors')) {
                give({name: file.name, metadata: await readMetadata(file)});
            } else if (file.size > LARGEST_TEXT) {
                throw new Error('too large for a recipe');
            } else {
                give({name: file.name, text: await file.text()});
            }
        } catch (error) {
            give({name: file.name, error: String(error.message || error)});
        }
    }

    function rename(button) {
        const card = button.closest('.kohaku-card');
        const name = card.querySelector('.kohaku-card-name');
        const open = card.querySelector('.kohaku-rename');
        if (open) {
            open.focus();
            return;
        }
        const input = document.createElement('input');
        input.value = button.dataset.kohakuRename;
        input.className = 'kohaku-rename';
        input.setAttribute('aria-label', 'New name');
        input.addEventListener('keydown', function(event) {
            event.stopPropagation();
            if (event.key === 'Enter' && input.value.trim()) {
                event.preventDefault();
                kohaku.actions.act('recipe_rename', JSON.stringify({old: button.dataset.kohakuRename, new: input.value.trim()}));
            } else if (event.key === 'Escape') {
                input.remove();
                name.hidden = false;
                button.focus();
            }
        });
        // Not into the name's place: that is inside a button, where not every browser lets people type.
        name.hidden = true;
        card.prepend(input);
        input.focus();
        input.select();
    }

    function hasFiles(event) {
        return event.dataTransfer && Array.from(event.dataTransfer.types).includes('Files');
    }

    kohaku.recipes = {
        start: function(tab) {
            tab.addEventListener('click', function(event) {
                const button = event.target.closest('[data-kohaku-rename]');
                if (button) rename(button);
            });
            tab.addEventListener('dragover', function(event) {
                if (!hasFiles(event)) return;
                event.preventDefault();
                tab.classList.add('kohaku-dropping');
            });
            tab.addEventListener('dragleave', function(event) {
                if (!tab.contains(event.relatedTarget)) tab.classList.remove('kohaku-dropping');
            });
            tab.addEventListener('drop', function(event) {
                tab.classList.remove('kohaku-dropping');
                if (!hasFiles(event) || !event.dataTransfer.files.length) return;
                event.preventDefault();
                event.stopPropagation();
                readFile(event.dataTransfer.files[0]);
            });
        },
        chooseFile: function() {
            const input = document.createElement('input');
            input.type = 'file';
            input.accept = '.json,.safetensors';
            input.addEventListener('change', function() {
                if (input.files.length) readFile(input.files[0]);
            });
            input.click();
            return [];
        },
        download: function(text) {
            const file = kohaku.parse(text, null);
            if (!file) return [];
            const link = document.createElement('a');
            link.href = URL.createObjectURL(new Blob([file.text], {type: 'application/json'}));
            link.download = file.name;
            link.click();
            setTimeout(() => URL.revokeObjectURL(link.href), 10000);
            return [];
        }
    };
})();
