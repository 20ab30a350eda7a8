// Presets: one click sets prompt, negative, size and settings; another takes it back.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const prompt = kohaku.prompt = kohaku.prompt || {pieces: []};
    const SEARCH_AFTER = 120;
    let timer = 0;
    let renaming = null;
    let listed = {presets: [], problems: []};

    function say(text, kind, ...buttons) {
        const notice = text ? prompt.notice(text, kind || 'good') : null;
        if (notice) notice.append(...buttons);
        prompt.element('preset_said').replaceChildren(...(notice ? [notice] : []));
    }

    function run(method, parameters, then) {
        return prompt.ask(method, prompt.asked(parameters)).then(function(answer) {
            say([answer.message].concat(answer.problems || []).filter(Boolean).join('\n'), (answer.problems || []).length ? 'warning' : 'good');
            if (then) then(answer);
            list();
        }).catch((error) => error.name !== 'AbortError' && say(error.message, 'error'));
    }

    function use(preset) {
        prompt.ask('use_preset', prompt.asked({name: preset.name, own: preset.own}), 'preset').then(function(values) {
            const changes = Object.assign({text: values.prompt}, prompt.changesOf(values));
            if (values.negative) changes.negative = values.negative;
            prompt.apply(changes, preset.name);
            say('');
        }).catch((error) => error.name !== 'AbortError' && say(error.message, 'error'));
    }

    function add(preset) {
        const question = prompt.asked({name: preset.name, own: preset.own, merge: true});
        prompt.ask('use_preset', question, 'preset').then(function(values) {
            prompt.applyTo(question.prompt, {text: values.prompt}, 'add ' + preset.name);
        }).catch(prompt.failed);
    }

    function offer(text, title, action) {
        prompt.element('preset_said').firstChild.append(' ', prompt.button(text, title, action, {class: 'kohaku-prompt-fix'}));
    }

    function remove(preset) {
        run('delete_preset', {name: preset.name}, (answer) => offer('Put it back', 'Undoes the deletion', function() {
            run('import_presets', {text: answer.deleted}, function() {
                if (answer.picture) run('set_preset_picture', {name: preset.name, file: answer.picture});
            });
        }));
    }

    function toStyle(preset, overwrite) {
        prompt.ask('preset_to_style', prompt.asked({name: preset.name, own: preset.own, overwrite: overwrite}))
            .then((answer) => say(answer.message))
            .catch(function(error) {
                say(error.message, 'error');
                if (!overwrite) offer('Replace the style', 'Its text becomes this preset\'s', () => toStyle(preset, true));
            });
    }

    // What is imported: presets as JSON, or a styles.csv.
    prompt.importPresets = function(text) {
        prompt.element('preset_tools').open = true;
        run('import_presets', {text: text});
    };

    function renameField(preset) {
        const field = prompt.make('input', {type: 'text', 'aria-label': 'New name', class: 'kohaku-prompt-rename'});
        field.value = preset.name;
        field.addEventListener('keydown', function(event) {
            if (event.key === 'Escape' || event.key === 'Enter') {
                event.preventDefault();
                renaming = null;
                if (event.key === 'Enter') run('rename_preset', {name: preset.name, new_name: field.value});
                else render();
            }
        });

        return field;
    }

    function tools(preset) {
        const buttons = [prompt.button('Add', 'Adds what your prompt does not have yet', () => add(preset))];
        if (preset.own) {
            buttons.push(prompt.button('Rename', 'Gives it another name', function() {
                renaming = preset.name;
                render();
            }), prompt.button('Delete', 'You can put it back', () => remove(preset)));
            const send = (file) => file && run('set_preset_picture', {name: preset.name, file: file});
            buttons.push(...prompt.pictures.tools(preset, send, () => run('remove_preset_picture', {name: preset.name})));
        }
        if (prompt.opened.host.styles) {
            buttons.push(prompt.button('To styles', 'Makes it one of the webui\'s styles', () => toStyle(preset, false)));
        }
        return prompt.make('div', {class: 'kohaku-prompt-tools'}, ...buttons);
    }

    function card(preset) {
        const made = prompt.opened.profiles.find((profile) => profile.id === preset.profile);
        const other = made && made.id !== prompt.profile.id ? 'for ' + made.name : '';
        const facts = [preset.own ? 'yours' : '', other, preset.size ? preset.size.width + '\u00d7' + preset.size.height : ''].filter(Boolean);
        const title = preset.own && renaming === preset.name ? renameField(preset) :
            prompt.make('span', {class: 'kohaku-prompt-name'}, preset.name);
        const face = prompt.make(renaming === preset.name ? 'div' : 'button', {type: 'button', class: 'kohaku-prompt-use',
            title: preset.description, press: renaming === preset.name ? null : () => use(preset)},
        title,
        prompt.make('span', {class: 'kohaku-prompt-facts'}, facts.join(' \u00b7 ')),
        prompt.make('span', {class: 'kohaku-prompt-tags-line'}, preset.tags.join(', ')));
        const picture = preset.picture ? [prompt.pictures.of(preset, () => use(preset))] : [];
        return prompt.make('div', {class: 'kohaku-prompt-card'}, ...picture,
            prompt.make('div', {class: 'kohaku-prompt-card-text'}, face, tools(preset)));
    }

    function render() {
        // Presets for this model come first.
        const fits = (preset) => preset.profile === prompt.profile.id || !preset.profile;
        const sorted = listed.presets.filter(fits).concat(listed.presets.filter((preset) => !fits(preset)));
        const text = prompt.element('preset_search').value ? 'No preset has all of these words.' : 'No presets.';
        const none = sorted.length ? [] : [prompt.make('div', {class: 'kohaku-empty'}, text)];
        prompt.element('presets').replaceChildren(...sorted.map(card), ...none,
            ...listed.problems.map((problem) => prompt.notice(problem, 'warning')));
        const field = prompt.element('presets').querySelector('.kohaku-prompt-rename');
        if (field) {
            field.focus();
            field.select();
        }
    }

    function list() {
        prompt.ask('presets', {query: prompt.element('preset_search').value}, 'presets').then(function(answer) {
            listed = answer;
            render();
        }).catch(prompt.failed);
    }

    function save() {
        const values = prompt.values();
        run('save_preset', Object.assign({
            name: prompt.element('preset_name').value,
            description: prompt.element('preset_description').value,
            negative: values.negative,
            overwrite: prompt.element('preset_replace').checked
        }, prompt.settings()));
    }

    prompt.pieces.push({
        start: function() {
            prompt.element('preset_search').addEventListener('input', function() {
                clearTimeout(timer);
                timer = setTimeout(list, SEARCH_AFTER);
            });
            prompt.onClick('preset_save', save);
            prompt.onClick('preset_import', () => prompt.element('preset_file').click());
            prompt.element('preset_file').addEventListener('change', async function(event) {
                const file = event.target.files[0];
                event.target.value = '';
                if (file) prompt.importPresets(await file.text());
            });
            prompt.onClick('preset_export', () => prompt.ask('export_presets', {})
                .then((answer) => prompt.download(answer.name, answer.text)).catch(prompt.failed));
            prompt.onClick('preset_export_styles', () => prompt.ask('export_styles', prompt.asked())
                .then((answer) => prompt.download(answer.name, answer.text, 'text/csv')).catch(prompt.failed));
            prompt.onClick('preset_styles', () => run('import_styles', {}));
        },
        profile: function() {
            prompt.element('preset_styles').hidden = !prompt.opened.host.styles;
            list();
        }
    });
})();
