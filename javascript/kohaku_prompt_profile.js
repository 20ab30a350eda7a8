// Whose format it is, why, and the words that it brings: quality, rating, year, and the usual negative.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const prompt = kohaku.prompt = kohaku.prompt || {pieces: []};
    const POLL = 1000;
    let words = {};
    let pollTimer = 0;

    // The profile that the person chose; empty while the loaded model decides.
    prompt.chosenProfile = '';

    prompt.open = function() {
        return prompt.ask('open', {profile: prompt.chosenProfile}, 'open').then(function(answer) {
            const other = !prompt.profile || prompt.profile.id !== answer.profile.id;
            prompt.opened = answer;
            prompt.profile = answer.profile;
            if (prompt.chosenProfile && answer.profile.id !== prompt.chosenProfile) prompt.chosenProfile = '';
            showHead(answer);
            showTags(answer.tags);
            if (other) prompt.tell('profile', answer.profile);
            prompt.checkSoon();
        }).catch(prompt.failed);
    };

    function showHead(answer) {
        const select = prompt.element('profile');
        select.replaceChildren(...answer.profiles.map((profile) => prompt.make('option', {value: profile.id}, profile.name)));
        select.value = answer.profile.id;
        const automatic = !prompt.chosenProfile;
        const reason = automatic ? answer.chosen.reason : 'You chose it.';
        prompt.element('reason').replaceChildren(
            prompt.make('span', {class: 'kohaku-badge kohaku-sure-' + (automatic ? answer.chosen.confidence : 'certain')},
                automatic ? SURE[answer.chosen.confidence] : 'chosen'), ' ' + reason);
        prompt.element('reason').title = 'Order: ' + answer.profile.order.map(prompt.kind).join(', ') + '. ' + answer.profile.order_source;
        prompt.element('automatic').hidden = automatic || answer.chosen.confidence === 'none';
        if (answer.problems.length) prompt.say(answer.problems.join('\n'), 'warning');
    }
    const SURE = {certain: 'certain', likely: 'likely', possible: 'a guess', none: 'not known'};

    function showTags(tags) {
        const text = tags.loading ? 'Reading your tag lists\u2026' : tags.complete ?
            tags.count.toLocaleString() + ' tags' : 'Only built-in words: add a tag list below';
        prompt.element('tags').replaceChildren(text);
        clearTimeout(pollTimer);
        if (tags.loading) pollTimer = setTimeout(prompt.checkSoon, POLL);
    }

    // The options whose words the prompt has; `explicit, nsfw` is one thing, and not `nsfw` besides.
    function chosen(picker) {
        const within = (some, all) => some.every((word) => all.includes(word));
        const there = picker.options.filter((choice) => within(choice.words, words[picker.kind] || []));
        return there.filter((choice) => !there.some((more) => more.words.length > choice.words.length && within(choice.words, more.words)));
    }

    function option(picker, choice, pressed) {
        return prompt.button(choice.label, choice.hint || choice.words.join(', '), function() {
            const others = (words[picker.kind] || []).filter((word) => !choice.words.includes(word));
            const wanted = pressed ? others : choice.words;
            const question = prompt.asked({kind: picker.kind, words: wanted});
            prompt.ask('pick', question, 'pick').then(function(answer) {
                prompt.applyTo(question.prompt, {text: answer.prompt}, pressed ? 'take out ' + choice.label : choice.label);
            }).catch(prompt.failed);
        }, {class: 'kohaku-prompt-chip', 'aria-pressed': String(pressed)});
    }

    function showPicker(picker) {
        const pressed = chosen(picker);
        return prompt.make('div', {class: 'kohaku-prompt-picker', role: 'group', 'aria-label': prompt.kind(picker.kind)},
            prompt.make('span', {class: 'kohaku-prompt-label'}, prompt.kind(picker.kind)),
            ...picker.options.map((choice) => option(picker, choice, pressed.includes(choice))));
    }

    function showPickers() {
        const rows = prompt.profile.pickers.map(showPicker);
        prompt.element('pickers').replaceChildren(...rows);
    }

    function showNegatives(negative) {
        const buttons = prompt.profile.negatives.filter((advice) => advice.text !== negative.trim()).map(function(advice) {
            return prompt.button('Use the usual negative', advice.text + '\n\n' + advice.source, function() {
                prompt.apply({negative: advice.text}, 'usual negative');
            }, {class: 'kohaku-prompt-fix'});
        });
        const texts = negative.trim() || !buttons.length ? [] : [prompt.make('span', {class: 'kohaku-hint'},
            prompt.profile.negatives[0].text)];
        prompt.element('negative_usual').replaceChildren(...(negative.trim() ? [] : buttons), ...texts);
    }

    prompt.pieces.push({
        start: function() {
            prompt.element('profile').addEventListener('change', function(event) {
                prompt.chosenProfile = event.target.value;
                prompt.draft.save();
                prompt.open();
            });
            prompt.onClick('automatic', function() {
                prompt.chosenProfile = '';
                prompt.draft.save();
                prompt.open();
            });
        },
        profile: function() {
            words = {};
            showPickers();
            showNegatives(prompt.element('negative').value);
        },
        changed: function(values) {
            if (prompt.profile) showNegatives(values.negative);
        },
        checks: function(answer) {
            words = answer.prompt.words;
            // A button that has the focus must not vanish under the keyboard.
            const focused = document.activeElement && prompt.element('pickers').contains(document.activeElement) ?
                document.activeElement.textContent : null;
            showPickers();
            if (focused !== null) {
                const again = [...prompt.element('pickers').querySelectorAll('button')].find((b) => b.textContent === focused);
                if (again) again.focus({preventScroll: true});
            }
            showTags(answer.tags);
        }
    });
})();
