// Files that are dropped on the page: pictures with generation parameters, presets, styles, posts.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const prompt = kohaku.prompt = kohaku.prompt || {pieces: []};
    const LARGEST_PICTURE = 32 * 1024 * 1024;
    const LARGEST_TEXT = 16 * 1024 * 1024;
    const PICTURES = ['image/png', 'image/jpeg', 'image/webp'];

    function asAddress(file) {
        return new Promise(function(resolve, reject) {
            const reader = new FileReader();
            reader.onload = () => resolve(reader.result);
            reader.onerror = () => reject(new Error('The file cannot be read.'));
            reader.readAsDataURL(file);
        });
    }

    // The server reads the text in it, and nothing else.
    async function readPicture(file) {
        if (file.size > LARGEST_PICTURE) throw new Error('Pictures of more than 32 MB are not read.');
        const found = await prompt.ask('picture', {file: await asAddress(file)}, 'infotext');
        prompt.element('infotext').value = found.text;
        prompt.takeOver(found);
    }

    async function readText(file) {
        if (file.size > LARGEST_TEXT) throw new Error('This file is too large for presets or a post.');
        const text = await file.text();
        if (/"tag_string(_general)?"\s*:/.test(text)) prompt.makePrompt(text);
        else if (prompt.isInfotext(text)) await prompt.ask('infotext', {text: text}, 'infotext').then(prompt.takeOver);
        else prompt.importPresets(text);
    }

    prompt.readFile = function(file) {
        const isText = /\.(json|csv|txt)$/i.test(file.name) || /^(application\/json|text\/)/.test(file.type);
        const work = PICTURES.includes(file.type) ? readPicture(file) : isText ? readText(file) :
            Promise.reject(new Error('This page reads pictures (PNG, JPEG, WebP), presets, a styles.csv and posts.'));
        return work.catch(prompt.failed);
    };

    function hasFiles(event) {
        return event.dataTransfer && Array.from(event.dataTransfer.types).includes('Files');
    }

    prompt.pieces.push({
        start: function(page) {
            // Not further up: the tab takes what is dropped for a recipe, the webui for a picture of its own prompt.
            page.addEventListener('dragover', function(event) {
                if (!hasFiles(event)) return;
                event.preventDefault();
                event.stopPropagation();
                event.dataTransfer.dropEffect = 'copy';
                page.classList.add('kohaku-prompt-dropping');
            });
            page.addEventListener('dragleave', function(event) {
                if (!page.contains(event.relatedTarget)) page.classList.remove('kohaku-prompt-dropping');
            });
            page.addEventListener('drop', function(event) {
                page.classList.remove('kohaku-prompt-dropping');
                if (!hasFiles(event) || !event.dataTransfer.files.length) return;
                event.preventDefault();
                event.stopPropagation();
                prompt.readFile(event.dataTransfer.files[0]);
            });
            prompt.onClick('picture_choose', () => prompt.element('picture_file').click());
            prompt.element('picture_file').addEventListener('change', function(event) {
                const file = event.target.files[0];
                event.target.value = '';
                if (file) prompt.readFile(file);
            });
        }
    });
})();
