// Presets on the webui's own page: one click sets prompt, negative, size and settings, or adds to the prompt.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const prompt = kohaku.prompt = kohaku.prompt || {pieces: []};
    const accordion = kohaku.accordion = kohaku.accordion || {pieces: []};
    const SEARCH_AFTER = 120;
    const MODES = [
        ['replace', 'Replace', 'A click sets prompt, negative, size and settings, as far as the preset has them.'],
        ['add', 'Add', 'A click adds to your prompt what it does not have yet, and changes nothing else.']
    ];

    function use(page, preset) {
        const adds = page.mode === 'add';
        const question = page.asked({name: preset.name, own: preset.own, merge: adds});
        prompt.ask('use_preset', question, 'use_' + page.name).then(function(values) {
            if (adds && question.prompt !== page.text(false)) return page.say('The prompt was changed meanwhile, so nothing was done; try again.', 'warning');
            return page.apply(preset.name, adds ? {prompt: values.prompt} : changesOf(values));
        }).catch(page.failed);
    }

    // What a preset does not name stays as it is.
    function changesOf(values) {
        const changes = {prompt: values.prompt};
        if (values.negative) changes.negative = values.negative;
        Object.assign(changes, values.size || {});
        for (const name of ['cfg', 'steps', 'sampler', 'scheduler', 'clip_skip', 'hires']) {
            if (values[name]) changes[name] = values[name];
        }
        return changes;
    }

    function chip(page, preset) {
        const size = preset.size ? preset.size.width + '\u00d7' + preset.size.height : '';
        const title = [preset.description, preset.tags.join(', '), size].filter(Boolean).join('\n\n');
        const own = preset.own ? prompt.make('span', {class: 'kohaku-accordion-yours'}, 'yours') : null;
        const button = prompt.button(preset.name, title, () => use(page, preset), {class: 'kohaku-accordion-preset'});
        if (own) button.append(' ', own);
        return button;
    }

    function render(page) {
        // Presets for this model come first.
        const fits = (preset) => !preset.profile || preset.profile === page.profile;
        const fitting = page.listed.presets.filter(fits);
        const others = page.listed.presets.filter((preset) => !fits(preset));
        const rows = [...fitting.map((preset) => chip(page, preset))];
        if (others.length) {
            rows.push(prompt.make('span', {class: 'kohaku-accordion-others'}, 'For other models'), ...others.map((preset) => chip(page, preset)));
        }
        const empty = page.search.value ? 'No preset has all of these words.' : 'No presets.';
        if (!rows.length) rows.push(prompt.make('span', {class: 'kohaku-hint'}, empty));
        page.presets.replaceChildren(...rows, ...page.listed.problems.map((problem) => prompt.notice(problem, 'warning')));
    }

    function list(page) {
        prompt.ask('presets', {query: page.search.value}, 'presets_' + page.name).then(function(answer) {
            page.listed = answer;
            render(page);
        }).catch(page.failed);
    }

    function modes(page) {
        page.modeHint = prompt.make('div', {class: 'kohaku-hint'}, MODES[0][2]);
        const buttons = MODES.map(([mode, text, title]) => prompt.button(text, title, function() {
            page.mode = mode;
            page.modeHint.replaceChildren(title);
            for (const button of buttons) button.setAttribute('aria-pressed', String(button.dataset.mode === mode));
        }, {class: 'kohaku-prompt-chip', 'aria-pressed': String(mode === page.mode), 'data-mode': mode}));
        return prompt.make('div', {class: 'kohaku-row', role: 'group', 'aria-label': 'What a preset does'}, ...buttons);
    }

    accordion.pieces.push({
        start: function(page) {
            page.mode = 'replace';
            page.listed = {presets: [], problems: []};
            page.search = prompt.make('input', {type: 'search', placeholder: 'Search', 'aria-label': 'Search presets'});
            page.presets = prompt.make('div', {class: 'kohaku-accordion-presets'});
            page.tools.append(
                prompt.make('div', {class: 'kohaku-accordion-head'},
                    prompt.make('span', {class: 'kohaku-accordion-title'}, 'Presets'), modes(page), page.search),
                page.modeHint, page.presets);
            let timer = 0;
            page.search.addEventListener('input', function() {
                clearTimeout(timer);
                timer = setTimeout(() => list(page), SEARCH_AFTER);
            });
            page.search.addEventListener('keydown', (event) => event.key === 'Enter' && event.preventDefault());
        },
        shown: function(page) {
            if (!page.isOpen()) return;
            if (page.canAsk()) {
                // Once for a model, and whenever the page is seen again: presets are saved elsewhere.
                if (page.listedFor !== page.profile) list(page);
                page.listedFor = page.profile;
                return;
            }
            page.row.hidden = true;
            page.presets.replaceChildren(prompt.make('span', {class: 'kohaku-hint'},
                'Presets and order need the Kohaku tab, which is hidden in the webui\'s settings.'));
        }
    });
})();
