// What comes from elsewhere: booru posts, generation parameters, tag lists.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const prompt = kohaku.prompt = kohaku.prompt || {pieces: []};
    const PARAMETERS = /\n\s*Steps: \d+, .*\b(?:CFG scale|Sampler|Size): /;
    const POLL = 500;

    prompt.isInfotext = (text) => PARAMETERS.test(text);

    prompt.takeOver = function(found) {
        const changes = Object.assign({text: found.prompt, negative: found.negative}, prompt.changesOf(found));
        const changed = prompt.apply(changes, 'generation parameters');
        prompt.element('pasted').replaceChildren();
        const made = found.model ? ' It was made with ' + found.model + '.' : '';
        prompt.say((changed ? 'Taken over.' : 'Everything is like that already.') + made, 'good');
    };

    function takeApart(text) {
        if (!text.trim()) return prompt.say('Paste generation parameters into the field first.', 'warning');
        return prompt.ask('infotext', {text: text}, 'infotext').then(prompt.takeOver).catch(prompt.failed);
    }

    // Whole parameters in the prompt box are a slip that the webui's own button would catch; here it is offered.
    function offerParameters(text) {
        const place = prompt.element('pasted');
        if (!PARAMETERS.test(text)) return place.replaceChildren();
        if (place.firstChild) return undefined;
        const notice = prompt.notice('These are generation parameters. ', 'warning');
        notice.append(prompt.button('Take them apart', 'Sets prompt, negative, size and settings', function() {
            takeApart(prompt.element('text').value);
        }, {class: 'kohaku-prompt-fix'}));
        return place.replaceChildren(notice);
    }

    function caption(found) {
        return prompt.make('div', {class: 'kohaku-prompt-caption'},
            prompt.make('div', {class: 'kohaku-prompt-preview'}, found.prompt),
            ...found.notes.map((note) => prompt.make('div', {class: 'kohaku-hint'}, note)),
            prompt.make('div', {class: 'kohaku-row'},
                prompt.button('Use as prompt', 'Undo brings yours back', () => prompt.apply({text: found.prompt}, 'post ' + found.id)),
                prompt.button('Copy the training caption', found.caption, () => prompt.copy(found.caption, 'The caption'))));
    }

    function captions(text) {
        const place = prompt.element('captions');
        prompt.ask('captions', prompt.asked({text: text}), 'captions')
            .then(function(answer) {
                const missing = answer.missing.length ? [prompt.notice('Not in the database: ' + answer.missing.join(', '), 'warning')] : [];
                place.replaceChildren(...missing, ...answer.captions.map(caption));
            })
            .catch((error) => error.name !== 'AbortError' && place.replaceChildren(prompt.notice(error.message, 'error')));
    }

    prompt.makePrompt = function(text) {
        prompt.element('captions_section').open = true;
        prompt.element('post').value = text;
        captions(text);
    };

    async function paste(name, then) {
        const text = await prompt.pasted(name);
        if (text === null) return;
        prompt.element(name).value = text;
        then(text);
    }

    function showLists(tags) {
        const lines = [];
        if (tags.loading) lines.push(prompt.make('div', {class: 'kohaku-hint'}, 'Reading\u2026'));
        else if (tags.sources.length) lines.push(prompt.make('div', {}, tags.count.toLocaleString() + ' tags from ' + tags.sources.join(', ')));
        else lines.push(prompt.make('div', {}, 'No list yet: only the built-in words complete. Put a tag list (CSV) into the folder "tags" of your Kohaku data, install tagcomplete, or fetch its list here.'));
        lines.push(...tags.problems.map((problem) => prompt.notice(problem, 'warning')));
        prompt.element('lists').replaceChildren(...lines);
        showOffer(tags);
    }

    function showOffer(tags) {
        const place = prompt.element('offer');
        if (tags.complete || tags.loading || !prompt.opened) return place.replaceChildren();
        const offer = prompt.opened.offer;
        const size = (offer.bytes / 1e6).toFixed(1) + ' MB';
        const about = offer.name + ' of ' + offer.project + ': ' + offer.tags.toLocaleString() + ' tags, ' + size + ', licence ' + offer.licence + ', from GitHub.';
        return place.replaceChildren(prompt.make('div', {class: 'kohaku-row'},
            prompt.button('Download', 'Fetches this one file, and only now', () => follow('download_tags')),
            prompt.make('span', {class: 'kohaku-hint'}, about)));
    }

    function follow(method) {
        prompt.ask(method, {}, 'download').then(function(answer) {
            if (!answer.state || answer.ended) {
                showLists(answer.tags);
                if (answer.message) prompt.element('lists').append(prompt.notice(answer.message, answer.state === 'done' ? 'good' : 'error'));
                prompt.checkSoon();
                return;
            }
            const share = answer.total ? Math.round(100 * answer.done / answer.total) : 0;
            prompt.element('offer').replaceChildren(prompt.make('div', {class: 'kohaku-row'},
                prompt.button('Stop', 'Nothing is kept', () => follow('stop_download')), 'Downloading: ' + Math.min(share, 100) + ' %'));
            setTimeout(() => follow('download'), POLL);
        }).catch((error) => error.name !== 'AbortError' && prompt.element('lists').append(prompt.notice(error.message, 'error')));
    }

    let listed = '';
    prompt.pieces.push({
        start: function() {
            prompt.onClick('caption', () => captions(prompt.element('post').value));
            prompt.onClick('caption_ids', () => captions(prompt.element('post_ids').value));
            prompt.element('post_ids').addEventListener('keydown', function(event) {
                if (event.key === 'Enter') captions(event.target.value);
            });
            prompt.onClick('caption_paste', () => paste('post', captions));
            prompt.onClick('infotext_use', () => takeApart(prompt.element('infotext').value));
            prompt.onClick('infotext_paste', () => paste('infotext', takeApart));
            prompt.onClick('tags_reload', () => prompt.ask('reload_tags', {}).then(function(answer) {
                listed = '';
                showLists(answer.tags);
                prompt.checkSoon();
            }).catch(prompt.failed));
        },
        profile: function() {
            prompt.element('by_id').hidden = !prompt.opened.database;
            showLists(prompt.opened.tags);
        },
        changed: (values) => offerParameters(values.text),
        checks: function(answer) {
            const now = JSON.stringify(answer.tags);
            if (now !== listed) showLists(answer.tags);
            listed = now;
        }
    });
})();
